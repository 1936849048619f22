"""Predictors of cog: `setup()` once, then `predict()` with typed inputs behind POST /predictions, one at a time.

Answers are those of cog's own server for a prediction that is waited for. A prediction that raises is answered with
status 200 and says "failed", as there; it counts as an error all the same.
"""

import inspect
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms.answering import json_answer, json_object
from runtime_images.dynamic_runtime.worker.forms.cog_values import Inputs, WrongInputError, output_of
from runtime_images.dynamic_runtime.worker.forms.source import Source
from runtime_images.dynamic_runtime.worker.forms.work import asynchronous, blocking, is_asynchronous

_PREDICTIONS = "/predictions"


def build(source: Source) -> LoadedFunction:
    """Build a predictor; a blocking one is set up now, an `async` one when its event loop starts."""
    source.library("cog", f"{source.entry.attribute} is a predictor of cog", "cog")
    predictor = source.called(source.imported())
    method = _method_of(source, predictor)
    server = _Server(method, source.called(lambda: Inputs(method)))
    if is_asynchronous(method):

        async def start(_: object) -> None:
            result = _setup(predictor)
            if inspect.isawaitable(result):
                await result
            server.set_up()

        return LoadedFunction(source.entry, blocking=False, exchange=asynchronous(server.read), start=start)
    source.called(lambda: _setup(predictor), "start_hook", "in setup()")
    server.set_up()
    return LoadedFunction(source.entry, blocking=True, exchange=blocking(server.read))


def _method_of(source: Source, predictor: Any) -> Callable[..., Any]:  # noqa: ANN401
    for owner in type(predictor).__mro__:
        for name in ("predict", "run"):
            if name in vars(owner) and not owner.__module__.startswith("cog."):
                method: Callable[..., Any] = getattr(predictor, name)
                return method
    raise source.misfit(f"{source.entry.attribute} has no predict()")


def _setup(predictor: Any) -> Any:  # noqa: ANN401
    setup = getattr(predictor, "setup", None)
    if setup is None:
        return None
    wants_weights = "weights" in inspect.signature(setup).parameters
    return setup(weights=None) if wants_weights else setup()


class _Server:
    """What cog's server answers, for one predictor."""

    def __init__(self, predict: Callable[..., Any], inputs: Inputs) -> None:
        self._predict = predict
        self._inputs = inputs
        self._started = self._completed = _now()

    def set_up(self) -> None:
        """Note that setup() has returned."""
        self._completed = _now()

    def read(self, request: Request) -> "_Prediction | Answer":
        """Return the prediction that a request asks for, or the answer to what asks for none."""
        where = (request.method, request.path.rstrip("/") or "/")
        if where == ("GET", "/health-check"):
            setup = {"started_at": self._started, "completed_at": self._completed, "status": "succeeded", "logs": ""}
            return json_answer({"status": "READY", "setup": setup})
        if where == ("GET", "/"):
            return json_answer({"predictions_url": _PREDICTIONS, "health_check_url": "/health-check"})
        number = request.path.removeprefix(f"{_PREDICTIONS}/")
        is_put = request.method == "PUT" and number != request.path and "/" not in number
        if where not in (("POST", _PREDICTIONS), ("POST", "/")) and not is_put:
            return json_answer({"detail": "Not Found"}, 404)
        asked = json_object(request.body)
        try:
            inputs = self._inputs.read(asked.get("input") or {})
        except WrongInputError as error:
            return json_answer({"detail": error.details}, 422)
        number = number if is_put else asked.get("id") or str(uuid.uuid4())
        return _Prediction(self._predict, asked, number, inputs)


class _Prediction:
    """A prediction under way."""

    def __init__(self, predict: Callable[..., Any], asked: dict[str, Any], number: str, inputs: dict[str, Any]) -> None:
        self._predict = predict
        self._inputs = inputs
        self._told = {"id": number, "input": asked.get("input") or {}, "created_at": asked.get("created_at") or _now()}
        self._started = _now()
        self._begun_s = time.monotonic()

    def done(self) -> Any:  # noqa: ANN401
        """Predict."""
        return self._predict(**self._inputs)

    def succeeded(self, output: Any) -> Answer:  # noqa: ANN401
        """Return the answer of a prediction that has an output."""
        shown = output_of(output)  # of an iterator it is the prediction itself
        metrics = {"predict_time": time.monotonic() - self._begun_s}
        return self._answer(status="succeeded", output=shown, error=None, metrics=metrics)

    def failed(self, error: Exception) -> Answer:
        """Return the answer of a prediction that has raised; the traceback is for the log."""
        traceback.print_exception(error)
        return self._answer(status="failed", output=None, error=str(error) or type(error).__name__)

    def _answer(self, **ended: Any) -> Answer:  # noqa: ANN401
        times = {"started_at": self._started, "completed_at": _now(), "logs": ""}
        return json_answer(self._told | times | ended, failed=ended["status"] == "failed")


def _now() -> str:
    return datetime.now(UTC).isoformat()
