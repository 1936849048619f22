import json
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.running.playing.load import ClosedLoop, PlannedRequest
from gaia_cli.running.playing.requests_file import read_requests


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "requests.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_json_is_posted_with_its_content_type(tmp_path: Path) -> None:
    (request,) = read_requests(written(tmp_path, '{"at_s": 0.5, "json": {"size": 3}}')).requests

    assert request == PlannedRequest(0.5, "POST", "/", b'{"size": 3}', {"content-type": "application/json"})


def test_everything_can_be_said_about_a_request(tmp_path: Path) -> None:
    line = {"at_s": 1, "method": "put", "path": "/a?b=c", "body": "é", "headers": {"X-Id": "7"}}
    (request,) = read_requests(written(tmp_path, json.dumps(line))).requests

    assert request == PlannedRequest(1.0, "PUT", "/a?b=c", "é".encode(), {"x-id": "7"})


def test_empty_lines_are_passed_over_and_times_may_repeat(tmp_path: Path) -> None:
    requests = read_requests(written(tmp_path, '{"at_s": 1}', "", '{"at_s": 1}', "   ")).requests

    assert [request.at_s for request in requests] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "at_s must be"),
        ('{"at_s": -1}', "at_s must be"),
        ('{"at_s": true}', "at_s must be"),
        ('{"at_s": NaN}', "at_s must be"),
        ('{"at_s": 1e400}', "at_s must be"),
        ('{"at_s": "1"}', "at_s must be"),
        ('{"at_s": 1, "jsn": {}}', "unknown key 'jsn'"),
        ('{"at_s": 1, "json": {}, "body": ""}', "json or body"),
        ('{"at_s": 1, "body": {}}', "body must be text"),
        ('{"at_s": 1, "method": "G ET"}', "method must be"),
        ('{"at_s": 1, "path": "x"}', "path must start"),
        ('{"at_s": 1, "path": "/a b"}', "path must start"),
        ('{"at_s": 1, "path": "/\\r\\nevil: 1"}', "path must start"),
        ('{"at_s": 1, "headers": {"a": "b\\r\\nc: d"}}', "cannot be sent"),
        ('{"at_s": 1, "headers": {"a:": "b"}}', "cannot be sent"),
        ('{"at_s": 1, "headers": {"a": 1}}', "cannot be sent"),
        ('{"at_s": 1, "headers": []}', "headers must be"),
        ('{"at_s": 1, "headers": {"Content-Length": "3"}}', "set by the player"),
        ('{"at_s": 1, "json": {"a": Infinity}}', "numbers that JSON has"),
        ('{"at_s": 1, "json": [1e400]}', "numbers that JSON has"),
        ('{"at_s": 0.1}', "comes before 0.5"),
    ],
)
def test_a_malformed_line_is_named_with_file_and_number(tmp_path: Path, line: str, problem: str) -> None:
    path = written(tmp_path, '{"at_s": 0.5}', "", line)

    with pytest.raises(UsageError) as caught:
        read_requests(path)

    assert f"{path}:3: " in caught.value.message
    assert problem in caught.value.message


def test_a_first_line_may_say_that_each_request_follows_an_answer(tmp_path: Path) -> None:
    load = read_requests(
        written(tmp_path, "", '{"after": "answer", "clients": 4, "think_s": 0.5}', '{"body": "a"}', "{}")
    )

    assert load.loop == ClosedLoop(4, 0.5)
    assert load.requests == (PlannedRequest(body=b"a"), PlannedRequest())
    assert read_requests(written(tmp_path, '{"after": "answer"}', "{}")).loop == ClosedLoop(1, 0.0)
    assert read_requests(written(tmp_path, '{"at_s": 0}')).loop is None


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['{"after": "lunch"}'], "1: after must be \"answer\", not 'lunch'"),
        (['{"after": "answer", "clients": 0}'], "1: clients must be a whole number from 1 to 256, not 0"),
        (['{"after": "answer", "clients": 257}'], "1: clients must be a whole number from 1 to 256, not 257"),
        (['{"after": "answer", "clients": 2.5}'], "1: clients must be a whole number from 1 to 256, not 2.5"),
        (['{"after": "answer", "clients": true}'], "1: clients must be a whole number from 1 to 256, not True"),
        (['{"after": "answer", "think_s": -1}'], "1: think_s must be 0 or more seconds, not -1"),
        (['{"after": "answer", "json": {}}'], "1: unknown key 'json'; known are after, clients, think_s"),
        (['{"after": "answer"}', '{"at_s": 1}'], "2: at_s has no place in a closed loop"),
        (['{"at_s": 1}', '{"after": "answer"}'], "2: after belongs in the first line, once"),
        (['{"after": "answer"}', '{"after": "answer"}'], "2: after belongs in the first line, once"),
        (['{"after": "answer"}'], " contains no request"),
    ],
)
def test_a_wrong_entry_of_a_closed_loop_is_one_sentence_with_its_line(
    tmp_path: Path, lines: list[str], problem: str
) -> None:
    path = written(tmp_path, *lines)

    with pytest.raises(UsageError) as caught:
        read_requests(path)

    assert caught.value.message.removeprefix(f"{path}").removeprefix(":").startswith(problem)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe"])
def test_a_file_without_a_readable_request_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="requests"):
        read_requests(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_requests(tmp_path / "nowhere.jsonl")
