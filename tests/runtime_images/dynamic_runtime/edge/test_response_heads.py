"""The check of a function's head: what it takes, and that no head takes it long."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.edge.response_head import check_head, why_refused
from tests.support.serving import serving, write_function

OLD_GRAMMAR = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*\r\n(?:[!#$%&'*+\-.^_`|~0-9a-z]+: *[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*"
)
"""The same heads in a grammar that tries a line in two ways: right, but slow for long ones."""

ECHOES = """
from urllib.parse import unquote_to_bytes

async def handle(scope, receive, send):
    headers = [(b"x-h%d" % number, b"v") for number in range(60)]
    name = unquote_to_bytes(scope["query_string"])
    headers.append((b"content-disposition", b'attachment; filename="' + name + b'"'))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})
"""
START = b"HTTP/1.1 200 OK\r\n"

names = st.binary(max_size=4) | st.sampled_from([b"x", b"x-y", b"content-type", b"X", b"a b", b""])
values = st.binary(max_size=6) | st.sampled_from([b"", b" ", b"  v", b"v  ", b"\t", b": ", b"a\x00b", b"\xff"])
lines = st.builds(lambda *parts: b"".join(parts), names, st.sampled_from([b":", b": ", b":  ", b" :", b""]), values)
heads = st.builds(
    lambda start, all_lines, end: start + b"".join(line + end for line in all_lines),
    st.sampled_from([START, b"HTTP/1.1 404 \r\n", b"HTTP/1.1 99 \r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n"]),
    st.lists(lines, max_size=4),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]),
)


@given(heads)
def test_the_heads_that_are_taken_are_those_of_the_old_grammar(raw: bytes) -> None:
    taken = check_head(raw) is not None
    by_its_lengths = raw.count(b"\r\ncontent-length:") > 0

    assert taken == (OLD_GRAMMAR.fullmatch(raw) is not None) or by_its_lengths


HOSTILE = {
    "many good lines before a bad one": START + b"x-h: v\r\n" * 5000 + b"x: a\x00b\r\n",
    "values that begin with blanks": START + (b"x:" + b" " * 2000 + b"v\r\n") * 30 + b"x: a\x00\r\n",
    "one value of blanks": START + b"x:" + b" " * 60_000 + b"\x00\r\n",
    "a line without end": START + b"x: " + b"v" * 65_000,
    "a name without end": START + b"x" * 65_000,
    "a reason without end": b"HTTP/1.1 200 " + b" " * 65_000 + b"\x00\r\n",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_no_head_takes_long_to_be_refused(raw: bytes) -> None:
    begun_s = time.process_time()

    assert check_head(raw) is None
    assert why_refused(raw)
    assert time.process_time() - begun_s < 0.1


def test_a_nul_in_one_of_many_headers_is_a_502_at_once_and_the_front_goes_on(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHOES)) as running:
        assert running.request("GET", "/?good.txt").status == 200
        begun_s = time.monotonic()
        bad = running.request("GET", "/?bad%00.txt")
        taken_s = time.monotonic() - begun_s

        assert bad.status == 502
        assert taken_s < 2
        assert running.request("GET", "/health/liveness").status == 200
        assert running.request("GET", "/?good.txt").status == 200
        assert "content-disposition" in running.event("bad_answer")["reason"]
