"""uvicorn's WebSocket protocol with a short cut: what can be answered at once is, in the callback that read it."""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

SHORT_CUT = "polypharmacy.short_cut"
"""The ASGI extension: its "take" takes a function of a text frame that gives its answer, or None."""

Answer = Callable[[bytes], bytes | None]


class ShortCutProtocol(WebSocketsSansIOProtocol):
    """Saves a task switch, a queue and a pause in reading for every step.

    Only the first frame of a read is answered so, and only while nothing else waits to be handled or sent: frames keep
    their order, nobody who sends many holds up others, and a client that does not read is held back as ever. What the
    function leaves (None) goes the usual way.
    """

    _answer: Answer | None = None
    _first = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = self.scope.get("extensions")
            if extensions is not None:
                extensions[SHORT_CUT] = {"take": self._take}

    def _take(self, answer: Answer) -> None:
        self._answer = answer

    def data_received(self, data: bytes) -> None:
        self._first = True
        super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        answer = self._answer
        if (
            self._first
            and answer is not None
            and self.curr_msg_data_type == "text"
            and len(self.frames) == 1
            and self.queue.empty()
            and self.writable.is_set()
            and not self.close_sent
            and not self.transport.is_closing()
        ):
            self._first = False
            text = answer(self.frames[0])
            if text is not None:
                self.frames = []
                self.conn.send_text(text)
                self.transport.write(b"".join(self.conn.data_to_send()))
                return
        self._first = False
        super().send_receive_event_to_app()
