"""Frames that take the short cut are the frames that the WebSocket library reads and writes."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from polypharmacy.server.protocol import text_frame, whole_text

SIZES = st.sampled_from([0, 1, 125, 126, 127, 4000, 65535, 65536, 70_000])


@given(SIZES, st.binary(min_size=1, max_size=8))
def test_frames_are_written_as_the_library_writes_them(size: int, pattern: bytes) -> None:
    text = (pattern * (size // len(pattern) + 1))[:size]
    assert text_frame(text) == Frame(Opcode.TEXT, text).serialize(mask=False)


@given(SIZES, st.binary(min_size=1, max_size=8))
def test_one_whole_masked_text_frame_is_read(size: int, pattern: bytes) -> None:
    text = (pattern * (size // len(pattern) + 1))[:size]
    data = Frame(Opcode.TEXT, text).serialize(mask=True)
    assert whole_text(data) == (text if size < 65536 else None)


@given(st.binary(max_size=300))
def test_whatever_else_comes_is_left_to_the_library(text: bytes) -> None:
    whole = Frame(Opcode.TEXT, text).serialize(mask=True)
    assert whole_text(whole[:-1]) is None
    assert whole_text(whole + whole) is None
    assert whole_text(whole + b"\x81") is None
    for frame in (
        Frame(Opcode.TEXT, text, fin=False),
        Frame(Opcode.CONT, text),
        Frame(Opcode.BINARY, text),
        Frame(Opcode.PING, text[:125]),
        Frame(Opcode.CLOSE, b"\x03\xe8"),
    ):
        assert whole_text(frame.serialize(mask=True)) is None
    assert whole_text(Frame(Opcode.TEXT, text).serialize(mask=False)) is None
    assert whole_text(bytes([whole[0] | 0x40]) + whole[1:]) is None  # compressed


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_none(data: bytes) -> None:
    text = whole_text(data)
    assert text is None or len(text) < len(data)
