"""`gaia invoke`: send one request to a running function, or to one that is started just for it."""

import json
import os
import re
import sys
from pathlib import Path

from analyzers.formats.json_text import json_text
from analyzers.lean.files import DATA_BYTES, TooLargeError, read_bounded, read_named
from gaia_cli.errors import ExitCode, RequestError, UsageError
from gaia_cli.places import working_tree
from gaia_cli.running.one_request import Answer, Request, ask
from gaia_cli.views import console
from runtime_images.policy.model import Accelerator, Backend

_JSON = "application/json"
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+:\d+(/.*)?")


def invoke(
    target: str,
    *,
    data: str,
    method: str,
    path: str,
    headers: tuple[str, ...],
    variables: tuple[str, ...],
    timeout_s: float,
    verbose: bool,
) -> ExitCode:
    """Send one request and print the answer's body.

    `target` is a URL, "host:port", or the path of a function to start for this request; `path` is added to the URL's.
    `data` is JSON, "@file", or "-" for standard input; `method` is by default POST with a body and GET without.
    `variables` are given to a function that is started.
    """
    fields = _headers(headers)
    body = _body(data, fields)
    request = Request(body, method, path, fields, timeout_s)
    url = _url(target)
    if url and variables:
        raise UsageError("--env is for a function that is started here", "name its path instead of a URL")
    answer = ask(url, request) if url else _ask_once(Path(target), request, variables)
    if verbose:
        console.note(f"HTTP {answer.status} {answer.reason}")
        for name in ("x-gaia-backend", "server-timing"):
            if name in answer.headers:
                console.note(f"{name}: {answer.headers[name]}")
    _show_body(answer)
    if answer.status >= 400:
        hint = "" if verbose else "see the answer above; --verbose shows where it was served"
        raise RequestError(f"the function answered {answer.status} {answer.reason}", hint)
    return ExitCode.OK


def _url(target: str) -> str:
    """Return the URL that `target` is, empty where it is a path; what lies in the working directory decides nothing."""
    if "://" in target:
        return target
    return f"http://{target}" if _HOST_AND_PORT.fullmatch(target) else ""


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"--header {header!r} is not a header", "write it as --header 'Name: value'")
        fields[name.strip().lower()] = value.strip()
    return fields


def _body(data: str, fields: dict[str, str]) -> bytes:
    """Return the bytes to send; check that they are JSON, unless a header says that they are something else."""
    if not data:
        return b""
    body = _bytes(data)
    if fields.setdefault("content-type", _JSON).partition(";")[0].strip() == _JSON:
        try:
            json.loads(body, parse_constant=_refuse)
        except ValueError as error:
            raise UsageError(
                f"--data is not valid JSON: {error}",
                "quote it for the shell, such as --data '{\"size\": 64}', or name its type with --header",
            ) from None
    return body


def _bytes(data: str) -> bytes:
    if data == "-":
        return _from_standard_input()
    if not data.startswith("@"):
        return data.encode()
    try:
        return read_named(working_tree(), data[1:], DATA_BYTES)
    except OSError as error:
        raise UsageError(f"--data: cannot read {data[1:]}: {error.strerror}", "name a readable file") from None


def _from_standard_input() -> bytes:
    try:
        return read_bounded(sys.stdin.buffer, "-", DATA_BYTES)
    except TooLargeError as error:
        raise UsageError(f"--data: standard input cannot be sent: {error.strerror}", "send less") from None


def _ask_once(path: Path, request: Request, variables: tuple[str, ...]) -> Answer:
    """Start the function at `path` as a process, ask it and stop it."""
    from gaia_cli.engines import Launch
    from gaia_cli.engines.once import started_once
    from gaia_cli.engines.process import ProcessEngine
    from gaia_cli.engines.variables import handed_over
    from gaia_cli.project.serving import mode_of, servable_project, settings_of, with_variables

    project = servable_project(path)
    mode, _reason = mode_of(project, path)
    engine = ProcessEngine()
    wants_gpu = mode.initial_backend is Backend.GPU
    accelerator = Accelerator.NVIDIA if wants_gpu and Accelerator.NVIDIA in engine.accelerators() else Accelerator.NONE
    given = handed_over(variables, os.environ)
    project = with_variables(project, os.environ, given, console.note)
    launch = Launch(project, settings_of(project, mode, port=0), accelerator, given)
    with started_once(engine, launch, progress=console.note, on_log=_show_log) as url:
        return ask(url, request)


def _show_log(line: str) -> None:
    """Write a line of the function's, indented: at the beginning of lines only Gaia speaks."""
    console.note(f"  {line}")


def _show_body(answer: Answer) -> None:
    """Write the body as it is; for a person at a terminal so that it cannot steer that, and JSON indented."""
    if console.shows_to_a_person():
        text = _readable(answer)
        if text:
            console.result(text)
        return
    try:
        text = answer.body.decode()
    except ValueError:
        console.raw(answer.body)
        return
    if text:
        console.exact(text)


def _readable(answer: Answer) -> str:
    text = answer.body.decode(errors="backslashreplace")
    if not answer.is_json:
        return text
    try:
        return json_text(json.loads(text, parse_constant=_refuse), indent=2)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
