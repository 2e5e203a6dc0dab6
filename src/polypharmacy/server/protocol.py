"""uvicorn's WebSocket protocol with a short cut: what can be answered at once is, in the callback that read it."""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C where it was compiled
from websockets.http11 import Request
from websockets.protocol import OPEN

SHORT_CUT = "polypharmacy.short_cut"
"""The ASGI extension: its "take" takes a function of a text frame that gives its answer, or None."""

Answer = Callable[[bytes], bytes | None]

_WHOLE_TEXT = 0x81
_MASKED = 0x80


class ShortCutProtocol(WebSocketsSansIOProtocol):
    """Saves parsing by the state machine, a task switch, a queue and a pause in reading for every step.

    Only a read that is one whole, masked text frame is answered so, and only while nothing else waits to be handled or
    sent: frames keep their order, nobody who sends many holds up others, and a client that does not read is held back
    as ever. What the function leaves (None) goes the usual way, and so does all else.
    """

    _answer: Answer | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = self.scope.get("extensions")
            if extensions is not None:
                extensions[SHORT_CUT] = {"take": self._take}

    def _take(self, answer: Answer) -> None:
        if not self.conn.extensions:  # a frame that an extension may have changed goes the usual way
            self._answer = answer

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is not None and self._nothing_waits():
            text = whole_text(data)
            given = None if text is None else answer(text)
            if given is not None:
                self.transport.write(text_frame(given))
                return
        super().data_received(data)

    def _nothing_waits(self) -> bool:
        """Neither a frame in parts, nor one read and not yet handled, nor an answer not yet sent."""
        return (
            not self.frames
            and not self.conn.reader.buffer
            and self.conn.state is OPEN
            and self.queue.empty()
            and self.writable.is_set()
            and not self.close_sent
            and not self.transport.is_closing()
        )


def whole_text(data: bytes) -> bytes | None:
    """The payload of a masked text frame of less than 64 KiB, if `data` is exactly one (RFC 6455, section 5.2)."""
    if len(data) < 6 or data[0] != _WHOLE_TEXT or not data[1] & _MASKED:
        return None
    length, begin = data[1] & 0x7F, 2
    if length == 127:
        return None
    if length == 126:
        length, begin = int.from_bytes(data[2:4], "big"), 4
    if len(data) != begin + 4 + length:
        return None
    return bytes(apply_mask(data[begin + 4 :], data[begin : begin + 4]))


def text_frame(text: bytes) -> bytes:
    """One whole text frame, as a server sends it."""
    length = len(text)
    if length < 126:
        return b"\x81%c%b" % (length, text)
    if length < 65536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), text)
