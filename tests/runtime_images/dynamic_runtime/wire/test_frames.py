"""Frames survive any cutting of the stream, and what is no frame is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Frame, FrameError, FrameParser, Kind, RawFrame

some_frames = st.lists(
    st.builds(
        Frame,
        st.integers(0, 2**32 - 1),
        st.sampled_from([int(kind) for kind in Kind]),
        st.integers(0, 7),
        st.binary(max_size=300),
        st.binary(max_size=3000),
        *[st.integers(0, 2**64 - 1)] * 3,
    ),
    max_size=8,
)


@given(some_frames, st.lists(st.integers(1, 500), max_size=50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(frames.encode(f.kind, f.request_id, f.head, f.body, f.flags, f[5:]) for f in sent)
    parser = FrameParser(limit=10_000)
    received: list[RawFrame] = []
    for cut in cuts:
        received += parser.feed(stream[:cut])
        stream = stream[cut:]
    received += parser.feed(stream)

    assert received == sent


def test_a_frame_over_the_limit_is_refused_before_it_is_there() -> None:
    announced = frames.HEADER.pack(1001, 1, Kind.CHUNK, 0, 0, 0, 0, 0)

    with pytest.raises(FrameError, match="1001 bytes"):
        list(FrameParser(1000).feed(announced))


def test_a_head_longer_than_its_payload_is_refused() -> None:
    with pytest.raises(FrameError, match="head of 11"):
        list(FrameParser(1000).feed(frames.HEADER.pack(10, 1, Kind.CHUNK, 0, 11, 0, 0, 0)))


@pytest.mark.parametrize(
    ("head", "body", "is_let_through"),
    [
        (900, 1000, True),
        (2000, 1000, True),
        (2001, 0, False),
        (1000, 1001, False),
        (0, 1001, False),
        (2000, 1001, False),
    ],
)
def test_a_frame_may_be_longer_than_others_by_a_long_head_alone(head: int, body: int, is_let_through: bool) -> None:
    sent = frames.encode(Kind.RESPONSE, 1, bytes(head), bytes(body), frames.FINAL)
    parser = FrameParser(1000, longest_head=2000)

    if is_let_through:
        received = parser.feed(sent[:50]) + parser.feed(sent[50:])
        assert received == [(1, Kind.RESPONSE, frames.FINAL | frames.LONG_HEAD, bytes(head), bytes(body), 0, 0, 0)]
    else:
        with pytest.raises(FrameError, match=f"a frame of {head + body} bytes with a head of {head}"):
            parser.feed(sent)
