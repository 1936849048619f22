"""RunPod's serverless workers: the handler that a file hands to `runpod.serverless.start`, served at /runsync and /run.

The file is imported with a `start` that notes the handler in place of the library's own, which would begin to fetch
jobs from RunPod. /run answers when the job is done, as /runsync does. Its result can be asked for again at /status/ID
for as long as this worker lives and has room: clients that start a job and then ask how it is get along with that.
"""

import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, describe_error
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms.answering import json_answer, json_object
from runtime_images.dynamic_runtime.worker.forms.source import Source
from runtime_images.dynamic_runtime.worker.forms.work import asynchronous, blocking, is_asynchronous
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError
from runtime_images.dynamic_runtime.worker.values.results import to_json

_FAILED = "FAILED"
_RUN, _RUN_AND_WAIT, _STATUS = "/run", "/runsync", "/status/"
_CONTROLS = ("refresh_worker", "stopPod")
"""Keys of a result that are for RunPod's own machines."""

_MOST_OCTETS = 16 * 1024 * 1024
_MOST_RESULTS = 1000

Job = dict[str, Any]
Handler = Callable[[Job], Any]


def build(source: Source) -> LoadedFunction:
    """Build the handler of a worker."""
    what = f"{source.entry.path} starts a worker of RunPod"
    serverless = source.library("runpod.serverless", what, "runpod")
    noted: list[Any] = []
    own_start = serverless.start

    def note(config: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401
        noted.append(config)

    serverless.start = note
    try:
        named = source.imported() if source.entry.attribute else source.imported_module()
    finally:
        serverless.start = own_start
    handler = noted[0].get("handler") if noted and isinstance(noted[0], dict) else named
    if not callable(handler):
        raise source.misfit("the handler must be a name at the top of the file")
    source.require_positional(handler, 1, "one argument, the job")
    server = _Server(handler)
    if is_asynchronous(handler):
        return LoadedFunction(source.entry, blocking=False, exchange=asynchronous(server.read))
    return LoadedFunction(source.entry, blocking=True, exchange=blocking(server.read))


class Results:
    """The answers to the last jobs, in JSON and by the numbers of these, as long as there is room."""

    def __init__(self) -> None:
        self._answers: dict[str, bytes] = {}
        self._octets = 0

    def of(self, number: str) -> bytes | None:
        """Return the answer to a job; None where none is kept."""
        return self._answers.get(number)

    def keep(self, number: str, answer: bytes) -> None:
        """Keep an answer, and give up the oldest ones for it."""
        self._forget(number)
        self._answers[number] = answer
        self._octets += len(answer)
        while self._octets > _MOST_OCTETS or len(self._answers) > _MOST_RESULTS:
            self._forget(next(iter(self._answers)))

    def _forget(self, number: str) -> None:
        if (answer := self._answers.pop(number, None)) is not None:
            self._octets -= len(answer)


class _Server:
    """What RunPod answers, for one handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._results = Results()

    def read(self, request: Request) -> "_Work | Answer":
        """Return the job that a request brings, or the answer to what brings none."""
        before, asks_status, number = request.path.rpartition(_STATUS)
        if asks_status and "/" not in number and before.count("/") <= 2:
            return self._status(number)
        if request.path != "/" and not request.path.endswith((_RUN, _RUN_AND_WAIT)):
            return json_answer({"error": f"post jobs to {_RUN_AND_WAIT} or {_RUN}"}, 404)
        if request.method != "POST":
            return json_answer({"error": "post a job"}, 405)
        job = json_object(request.body)
        if "input" not in job:
            raise PayloadError('a job is an object with an "input"')
        results = self._results if request.path.endswith(_RUN) else None
        return _Work(self._handler, {"id": str(uuid.uuid4()), **job}, results)

    def _status(self, number: str) -> Answer:
        if (result := self._results.of(number)) is not None:
            return Answer(200, [(b"content-type", b"application/json")], result)
        told = f"no result is kept for it: a switch and later jobs end that, and {_RUN} itself answers with the result"
        return json_answer({"id": number, "error": told}, 404)


class _Work:
    """A job under way; `results` is where its result is kept, if it is."""

    def __init__(self, handler: Handler, job: Job, results: Results | None) -> None:
        self._handler = handler
        self._job = job
        self._results = results
        self._begun_s = time.monotonic()

    def done(self) -> Any:  # noqa: ANN401
        """Call the handler."""
        return self._handler(self._job)

    def succeeded(self, output: Any) -> Answer:  # noqa: ANN401
        """Return the answer of a job that has an output, which may be an error."""
        if isinstance(output, dict):
            output = {name: value for name, value in output.items() if name not in _CONTROLS}
            if output.get("error"):
                return self._answer(_FAILED, error=output["error"])
        return self._answer("COMPLETED", output=output)

    def failed(self, error: Exception) -> Answer:
        """Return the answer of a job that has raised; the traceback is for the log."""
        traceback.print_exception(error)
        return self._answer(_FAILED, error=describe_error(error))

    def _answer(self, status: str, **result: Any) -> Answer:  # noqa: ANN401
        took_ms = int(1000 * (time.monotonic() - self._begun_s))
        told = {"id": self._job["id"], "status": status, **result, "delayTime": 0, "executionTime": took_ms}
        if self._results is not None:
            self._results.keep(str(self._job["id"]), to_json(told))
        return json_answer(told, failed=status == _FAILED)
