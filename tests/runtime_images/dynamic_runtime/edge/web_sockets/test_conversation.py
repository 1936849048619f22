"""The cases of the Autobahn test suite that matter, by its sections, and what a server has to make of them."""

import struct
from collections.abc import Callable
from random import Random

import pytest

from runtime_images.dynamic_runtime.edge.web_sockets.conversation import Conversation
from runtime_images.dynamic_runtime.wire.web_socket import Closing
from tests.support.raw_web_socket import BINARY, CLOSE, CONT, PING, PONG, TEXT, closing, frame

MOST = 100_000
TEXT_OF_MANY_BYTES = "κόσμε — 𝄞".encode()

HEARD = {
    "1.1: an empty text": ([frame(TEXT)], [(True, b"")]),
    "1.1: a text of 125 bytes": ([frame(TEXT, b"*" * 125)], [(True, b"*" * 125)]),
    "1.1: a text of 126 bytes": ([frame(TEXT, b"*" * 126)], [(True, b"*" * 126)]),
    "1.2: 65,536 bytes": ([frame(BINARY, b"\xfe" * 65536)], [(False, b"\xfe" * 65536)]),
    "2.1: a ping is no message": ([frame(PING)], []),
    "2.7: a pong that nobody asked for": ([frame(PONG, b"x"), frame(TEXT, b"a")], [(True, b"a")]),
    "5.3: a text of two fragments": ([frame(TEXT, b"a", fin=False), frame(CONT, b"b")], [(True, b"ab")]),
    "5.6: a ping between fragments": (
        [frame(TEXT, b"a", fin=False), frame(PING, b"x"), frame(CONT, b"b", fin=False), frame(PING), frame(CONT, b"c")],
        [(True, b"abc")],
    ),
    "6.1: empty fragments": (
        [frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT, b"m", fin=False), frame(CONT)],
        [(True, b"m")],
    ),
    "6.2: a character cut by fragments": (
        [frame(TEXT, TEXT_OF_MANY_BYTES[:3], fin=False), frame(CONT, TEXT_OF_MANY_BYTES[3:])],
        [(True, TEXT_OF_MANY_BYTES)],
    ),
    "many messages in one read": (
        [b"".join(frame(TEXT, b"%d" % n) for n in range(9))],
        [(True, b"%d" % n) for n in range(9)],
    ),
    "bytes that are no text": ([frame(BINARY, b"\xff\xfe")], [(False, b"\xff\xfe")]),
}

BROKEN = {
    "2.5: a ping of 126 bytes": ([frame(PING, b"*" * 126)], 1002),
    "3.1: a reserved bit": ([frame(TEXT, b"a", rsv=1)], 1002),
    "3.4: another one, in a ping": ([frame(PING, rsv=4)], 1002),
    "compression that nobody has agreed upon": ([frame(BINARY, b"\xab", rsv=4)], 1002),
    "4.1: an opcode that is none": ([frame(3, b"a")], 1002),
    "4.2: an opcode of a control frame that is none": ([frame(11)], 1002),
    "5.1: a ping of two fragments": ([frame(PING, b"a", fin=False)], 1002),
    "5.9: a continuation of nothing": ([frame(CONT, b"a")], 1002),
    "5.15: a continuation after the last fragment": (
        [frame(TEXT, b"a", fin=False), frame(CONT, b"b"), frame(CONT, b"c")],
        1002,
    ),
    "5.18: a text in the middle of a text": ([frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], 1002),
    "6.3: a text that is not UTF-8": ([frame(TEXT, b"\xce\xba\xed\xa0\x80")], 1007),
    "6.4: a text that is not UTF-8 in its second fragment": (
        [frame(TEXT, b"a", fin=False), frame(CONT, b"\xf4\x90\x80\x80")],
        1007,
    ),
    "6.12: a text that ends within a character": ([frame(TEXT, TEXT_OF_MANY_BYTES[:-1])], 1007),
    "7.3: a close of one byte": ([frame(CLOSE, b"a")], 1002),
    "7.3: a reason of 124 bytes": ([closing(1000, b"*" * 124)], 1002),
    "7.5: a reason that is not UTF-8": ([closing(1000, b"\xff")], 1007),
    "7.9: the code 0": ([closing(0)], 1002),
    "7.9: the code 999": ([closing(999)], 1002),
    "7.9: the code 1004": ([closing(1004)], 1002),
    "7.9: the code 1005": ([closing(1005)], 1002),
    "7.9: the code 1006": ([closing(1006)], 1002),
    "7.9: the code 1016": ([closing(1016)], 1002),
    "7.9: the code 2999": ([closing(2999)], 1002),
    "7.13: the code 5000": ([closing(5000)], 1002),
    "a frame without a mask": ([frame(TEXT, b"a", masked=False)], 1002),
    "a message that is too long": ([frame(BINARY, b"*" * (MOST + 1))], 1009),
    "a message that is too long with its last fragment": (
        [frame(BINARY, b"*" * MOST, fin=False), frame(CONT, b"*")],
        1009,
    ),
    "a length of 63 bits, announced only": ([b"\x82\xff" + struct.pack("!Q", 2**62) + b"mask"], 1009),
    "a length of 64 bits": ([b"\x82\xff" + struct.pack("!Q", 2**63) + b"mask"], 1009),
}


def codes(output: bytes) -> list[int]:
    """The codes of the closes that are all of an output."""
    found = []
    while output:
        assert output[0] == 0x80 | CLOSE, output
        size = output[1]
        found += [struct.unpack_from("!H", output, 2)[0]] if size else [0]
        output = output[2 + size :]
    return found


@pytest.mark.parametrize("step", [10_000_000, 1, 7])
@pytest.mark.parametrize("case", HEARD)
def test_messages_are_heard_however_they_are_cut(case: str, step: int) -> None:
    sent, expected = HEARD[case]
    conversation, stream = Conversation(MOST), b"".join(sent)

    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
    heard = [message for piece in pieces for message in conversation.receive(piece)]

    assert heard == expected
    assert conversation.is_open
    assert conversation.held == 0


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_the_protocol_is_closed_with_its_code(case: str) -> None:
    sent, code = BROKEN[case]
    conversation = Conversation(MOST)

    heard = [message for data in sent for message in conversation.receive(data)]
    output, is_last = conversation.take_output()

    assert all(message != (True, b"c") for message in heard)
    assert codes(output) == [code]
    assert is_last
    assert not conversation.is_open
    assert conversation.receive(frame(TEXT, b"too late")) == []


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_a_close_is_answered_in_kind_and_is_the_last(code: int) -> None:
    conversation = Conversation(MOST)

    assert conversation.receive(closing(code, b"so long") + frame(TEXT, b"too late")) == []

    output, is_last = conversation.take_output()
    assert (codes(output), is_last) == ([code], True)
    assert conversation.closing == Closing(code, "so long")


def spelled(random: Random) -> bytes:
    """A few frames, some of which are none."""
    makes: list[Callable[[], bytes]] = [
        lambda: frame(
            random.choice((CONT, TEXT, BINARY, CLOSE, PING, PONG, 3, 11)),
            random.choice((b"", b"a", b"b" * 125, b"c" * 126, b"d" * 200)),
            fin=random.random() < 0.7,
            rsv=random.choice((0, 0, 0, 0, 0, 0, 4)),
            masked=random.random() < 0.97,
        ),
        lambda: frame(TEXT, b"hello"),
        lambda: closing(random.choice((1000, 1005, 3000))),
    ]
    return b"".join(random.choice(makes)() for _ in range(random.randint(1, 6)))


def heard(stream: bytes, steps: Callable[[], int]) -> tuple[list[tuple[bool, bytes]], bytes, bool]:
    """What a stream comes to that arrives in such steps: messages, what is sent, and whether that is the end."""
    conversation, messages, sent, start = Conversation(300), list[tuple[bool, bytes]](), b"", 0
    while start < len(stream):
        step = steps()
        messages += conversation.receive(stream[start : start + step])
        output, is_last = conversation.take_output()
        sent, start = sent + output, start + step
        if is_last:
            return messages, sent, True
    return messages, sent, False


def test_a_stream_comes_to_the_same_however_it_is_cut() -> None:
    random = Random(5)  # noqa: S311 -- the same cases in each run
    for _ in range(2000):
        stream = spelled(random)
        whole = heard(stream, lambda: 1_000_000)

        assert heard(stream, lambda: 1) == whole, stream
        assert heard(stream, lambda: random.randint(1, 9)) == whole, stream


def test_a_close_without_a_code_is_answered_without_one() -> None:
    conversation = Conversation(MOST)

    conversation.receive(frame(CLOSE))

    assert conversation.take_output() == (b"\x88\x00", True)
    assert conversation.closing == Closing(1005)


def test_a_client_that_ends_its_half_without_a_word_is_gone() -> None:
    conversation = Conversation(MOST)

    conversation.receive_eof()

    assert conversation.closing == Closing(1006)
    assert conversation.take_output() == (b"", True)


def test_a_ping_is_answered_with_what_it_holds() -> None:
    conversation = Conversation(MOST)

    conversation.receive(frame(TEXT, b"a", fin=False) + frame(PING, b"payload"))

    assert conversation.take_output() == (b"\x8a\x07payload", False)


def test_pings_of_a_client_that_says_nothing_else_count_for_nothing() -> None:
    conversation = Conversation(MOST)

    for _ in range(1000):
        conversation.receive(frame(PING, b"*" * 125))

    assert conversation.held == 0


def test_what_is_held_is_what_an_unfinished_message_takes() -> None:
    conversation = Conversation(MOST)
    conversation.receive(frame(BINARY, b"*" * 50_000, fin=False))
    conversation.receive(frame(CONT, b"*" * 20_000)[:10_000])

    assert 59_000 < conversation.held < 61_000


def test_a_message_in_parts_leaves_as_fragments_and_whole_ones_as_frames() -> None:
    conversation = Conversation(MOST)
    for part, is_last in ((b"a", False), (b"b", False), (b"c", True), (b"d", True)):
        conversation.send(part, is_text=True, is_last=is_last)

    assert conversation.take_output() == (b"\x01\x01a\x00\x01b\x80\x01c\x81\x01d", False)
