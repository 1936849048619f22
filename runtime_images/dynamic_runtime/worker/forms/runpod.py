"""RunPod's serverless workers: the handler that a file hands to `runpod.serverless.start`, served at /runsync and /run.

The file is imported with a `start` that notes the handler in place of the library's own, which would begin to fetch
jobs from RunPod. There is no store of jobs, so /run answers when the job is done, as /runsync does.
"""

import inspect
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, describe_error
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms.answering import json_answer, json_object
from runtime_images.dynamic_runtime.worker.forms.source import Source
from runtime_images.dynamic_runtime.worker.values.parts import awaited
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError

_FAILED = "FAILED"
_PATHS = ("/runsync", "/run")
_CONTROLS = ("refresh_worker", "stopPod")
"""Keys of a result that are for RunPod's own machines."""

Job = dict[str, Any]


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
    if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        return LoadedFunction(source.entry, blocking=False, exchange=_asynchronous(handler))
    return LoadedFunction(source.entry, blocking=True, exchange=_blocking(handler))


def _blocking(handler: Callable[[Job], Any]) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        if (refusal := _refused(request)) is not None:
            return refusal
        job, begun_s = _job_of(request), time.monotonic()
        try:
            result = handler(job)
            if inspect.isawaitable(result):  # a decorator may have made it of an `async` one
                result = awaited(result)
            output = list(result) if inspect.isgenerator(result) else result
        except Exception as error:  # noqa: BLE001 -- the user's code may raise anything
            return _failed(job, error, begun_s)
        return _done(job, output, begun_s)

    return answer


def _asynchronous(handler: Callable[[Job], Any]) -> Any:  # noqa: ANN401 -- an AsyncExchange
    async def answer(request: Request) -> Answer:
        if (refusal := _refused(request)) is not None:
            return refusal
        job, begun_s = _job_of(request), time.monotonic()
        try:
            result = handler(job)
            output = [part async for part in result] if inspect.isasyncgen(result) else await result
        except Exception as error:  # noqa: BLE001 -- the user's code may raise anything
            return _failed(job, error, begun_s)
        return _done(job, output, begun_s)

    return answer


def _refused(request: Request) -> Answer | None:
    """Return the answer to what is no job; None for a job."""
    if request.path != "/" and not request.path.endswith(_PATHS):
        return json_answer({"error": "post jobs to /runsync or /run"}, 404)
    return None if request.method == "POST" else json_answer({"error": "post a job"}, 405)


def _job_of(request: Request) -> Job:
    job = json_object(request.body)
    if "input" not in job:
        raise PayloadError('a job is an object with an "input"')
    return {"id": str(uuid.uuid4()), **job}


def _done(job: Job, output: Any, begun_s: float) -> Answer:  # noqa: ANN401
    if isinstance(output, dict):
        output = {name: value for name, value in output.items() if name not in _CONTROLS}
        if output.get("error"):
            return _answer(job, _FAILED, begun_s, error=output["error"])
    return _answer(job, "COMPLETED", begun_s, output=output)


def _failed(job: Job, error: Exception, begun_s: float) -> Answer:
    traceback.print_exception(error)
    return _answer(job, _FAILED, begun_s, error=describe_error(error))


def _answer(job: Job, status: str, begun_s: float, **result: Any) -> Answer:  # noqa: ANN401
    took_ms = int(1000 * (time.monotonic() - begun_s))
    told = {"id": job["id"], "status": status, **result, "delayTime": 0, "executionTime": took_ms}
    return json_answer(told, failed=status == _FAILED)
