"""What several fuzzers need to make cases: mostly ordinary parts, noise, and damage."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Part = TypeVar("Part")

NASTY = (
    b"", b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b":", b",", b";", b"=",
    b"-", b"0", b"9", b"_", b"#", b"*", b'"', b"'", b"\\", b"\xff", b"\xc2\x9b", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"\xe2\x80\xae", b"\xd9\xa2", b"[", b"]", b"{", b"}", b"(", b")", b"<", b">", b"%", b"nan", b"1e999",
    b"18446744073709551616",
)  # fmt: skip


def mostly(random: Random, ordinary: Sequence[Part], odd: Sequence[Part], share: float = 0.12) -> Part:
    """Return an ordinary part, or with the probability `share` an odd one."""
    return random.choice(odd if random.random() < share else ordinary)


def noise(random: Random, most: int = 20) -> bytes:
    """Return a few bytes without any order."""
    return random.randbytes(random.randint(0, most))


def damaged(random: Random, data: bytes, parts: Sequence[bytes] = NASTY) -> bytes:
    """Return `data` with something cut out, put in, doubled or repeated at up to three places."""
    for _ in range(random.randint(0, 3)):
        place = random.randint(0, len(data))
        length = random.choice((0, 1, 1, 2, 5, 40))
        part = random.choice((random.choice(parts), noise(random, 4), data[place : place + length] * 2))
        data = data[:place] + part + data[place + random.choice((0, length)) :]
    return data


def pumped(random: Random, data: bytes, most_bytes: int, parts: Sequence[bytes] = NASTY) -> bytes:
    """Return `data` with a short part of it, or a nasty one, repeated up to so many bytes: time must stay linear."""
    place = random.randint(0, len(data))
    part = random.choice((data[place : place + random.randint(1, 8)], random.choice(parts))) or b" "
    times = random.randint(1, max(1, most_bytes // len(part)))
    return data[:place] + part * times + data[place:]
