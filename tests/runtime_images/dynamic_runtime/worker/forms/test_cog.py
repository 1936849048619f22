"""A cog predictor is set up once and served at /predictions, with the inputs and outputs that cog knows."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Answer, Serving, serving, write_function

PREDICTOR = """
    from typing import Iterator, List, Optional

    from cog import BaseModel, BasePredictor, ConcatenateIterator, Input, Path, Secret

    class Output(BaseModel):
        text: str
        file: Path

    class Predictor(BasePredictor):
        def setup(self):
            print("set up", flush=True)
            self.greeting = "hello"

        def predict(
            self,
            name: str = Input(description="whom"),
            times: int = Input(default=1, ge=1, le=3),
            scale: float = 1.0,
            loud: bool = Input(default=False),
            kind: str = Input(default="text", choices=["text", "file", "model", "parts", "fails"]),
            image: Optional[Path] = Input(default=None),
            tags: List[str] = Input(default=[]),
            token: Optional[Secret] = Input(default=None),
        ) -> object:
            text = " ".join([f"{self.greeting} {name}"] * times) + "".join(tags)
            text = text.upper() if loud else text
            if token is not None:
                assert "secret" not in repr(token)
                text += token.get_secret_value()
            if image is not None:
                text += open(image).read()
            if kind == "fails":
                raise ValueError("no such thing")
            if kind == "parts":
                return (part for part in text.split())
            if kind == "text":
                return text
            path = Path("/tmp") / f"gaia-cog-{id(self)}.txt"
            path.write_text(text)
            return path if kind == "file" else Output(text=text, file=path)
"""


def predict(running: Serving, **inputs: Any) -> Answer:  # noqa: ANN401
    body = json.dumps({"input": inputs}).encode()
    return running.request("POST", "/predictions", body, {"content-type": "application/json"})


def test_a_predictor_is_served_with_cogs_types(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text('build:\n  python_version: "3.11"\npredict: "model/predict.py:Predictor"\n')
    with serving(write_function(tmp_path, PREDICTOR, "model/predict.py")) as running:
        health = running.request("GET", "/health-check")
        plain = predict(running, name="you").json()
        image = "data:text/plain;base64," + base64.b64encode(b"!").decode()
        rich = predict(running, name="you", times=2, loud=True, tags=["a"], image=image, token="secret").json()
        parts = predict(running, name="you", kind="parts").json()
        file = predict(running, name="you", kind="file").json()
        model = predict(running, name="you", kind="model").json()
        fails = predict(running, name="you", kind="fails")
        named = running.request("PUT", "/predictions/mine", b'{"input": {"name": "me"}}')
        wrong = [
            predict(running),
            predict(running, name="you", times=4),
            predict(running, name="you", times="x"),
            predict(running, name="you", kind="other"),
            predict(running, name=["you"]),
        ]
        missing = running.request("POST", "/trainings", b"{}")
        set_up = [event for event in running.named("log") if event["line"] == "set up"]

    assert (health.json()["status"], len(set_up)) == ("READY", 1)
    assert (plain["status"], plain["output"], plain["input"]) == ("succeeded", "hello you", {"name": "you"})
    assert plain["metrics"]["predict_time"] >= 0
    assert rich["output"] == "HELLO YOU HELLO YOUAsecret!"
    assert parts["output"] == ["hello", "you"]
    assert file["output"] == "data:text/plain;base64," + base64.b64encode(b"hello you").decode()
    assert model["output"] == {"text": "hello you", "file": file["output"]}
    assert (fails.status, fails.json()["status"], fails.json()["error"]) == (200, "failed", "no such thing")
    assert (named.json()["id"], named.json()["output"]) == ("mine", "hello me")
    assert [answer.status for answer in wrong] == [422] * 5
    assert wrong[0].json()["detail"][0]["loc"] == ["body", "input", "name"]
    assert missing.status == 404


@pytest.mark.parametrize(
    "predict_lines",
    [
        "async def predict(self, n: int) -> int:\n        return n + self.one",
        "async def predict(self, n: int):\n        yield n + self.one",
        "def predict(self, n: int):\n        yield n + self.one",
    ],
)
def test_asynchronous_predictors_and_generators_are_served(tmp_path: Path, predict_lines: str) -> None:
    setup = "    def setup(self):\n        self.one = 1\n"
    source = f"from cog import BasePredictor\n\nclass Predictor(BasePredictor):\n{setup}    {predict_lines}\n"
    with serving(write_function(tmp_path, source, "predict.py")) as running:
        output = predict(running, n=1).json()["output"]

    assert output in (2, [2])


def test_a_setup_that_fails_is_told_with_its_line(tmp_path: Path) -> None:
    source = """
        from cog import BasePredictor

        class Predictor(BasePredictor):
            def setup(self):
                raise OSError("no weights")

            def predict(self) -> int:
                return 1
    """
    with serving(write_function(tmp_path, source, "predict.py"), wait=False) as running:
        failed = running.event("setup_failed")

    assert (failed["kind"], failed["path"], failed["line"]) == ("start_hook", "predict.py", 6)
    assert "no weights" in failed["message"]
