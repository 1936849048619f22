import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gaia_cli.commands.analyze import analyze
from gaia_cli.errors import ExitCode

_CPU = "import json\n\n\ndef handler(payload):\n    return json.dumps(payload)\n"
_ON_GPU = 'return torch.ones(3, device="cuda").tolist()'
_GPU = f"import torch\n\n\ndef handler(payload):\n    {_ON_GPU}\n"
_LAMBDA = "def handler(event, context):\n    return event\n"
_LAMBDA_GPU = f"import torch\n\n\ndef handler(event, context):\n    {_ON_GPU}\n"
_MODEL = 'import torch\n\n\ndef model_fn(model_dir):\n    return torch.load(model_dir + "/m.pt").cuda()\n'
_MODEL_CPU = "import json\n\n\ndef model_fn(model_dir):\n    return json.loads(model_dir)\n"
_MODAL = """import modal
app = modal.App("x")
@app.function(gpu="T4")
def f(x):
    import torch
    {body}
@app.function()
def g(x):
    return x
"""
_MODAL_GPU = _MODAL.format(body=_ON_GPU)
_MODAL_CPU = _MODAL.replace("    import torch\n", "").format(body="return x")
_PREDICT = f"""import torch
from cog import BasePredictor
class Predictor(BasePredictor):
    def predict(self, x: str) -> str:
        {_ON_GPU}
"""
_COG = "build:\n  python_version: '3.11'\npredict: predict.py:Predictor\n"
_HTTP = "import functions_framework\n\n\n@functions_framework.http\ndef {name}(request):\n    return 'x'\n"
_APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"
_TRITON = f"import torch\n\n\nclass TritonPythonModel:\n    def execute(self, requests):\n        {_ON_GPU}\n"
_FUNCTION = "[function]\n"
_SERVERLESS = "service: x\nprovider:\n  name: aws\n  runtime: python3.12\nfunctions:\n"
_ONE = "  one:\n    handler: handler.handler\n"
_TWO = "  one:\n    handler: handlers/one.handler\n  two:\n    handler: handlers.two.handler\n"
_SAM_FUNCTION = """  {name}:
    Type: AWS::Serverless::Function
    Properties:
      Role: !Sub x
      CodeUri: {name}/
      Handler: app.handler
"""
_SAM = f"Resources:\n{_SAM_FUNCTION.format(name='one')}{_SAM_FUNCTION.format(name='two')}"

TREES: dict[str, tuple[Mapping[str, str], dict[str, str]]] = {
    "three with a configuration": (
        {
            "a/func.py": _CPU, "a/gaia.toml": _FUNCTION, "b/func.py": _GPU, "b/gaia.toml": _FUNCTION,
            "c/pyproject.toml": "[tool.gaia.function]\n", "c/func.py": _CPU,
        },
        {"a": "cpu", "b": "gpu", "c": "cpu"},
    ),
    "three of which nothing is said": (
        {"a/func.py": _CPU, "b/main.py": _GPU, "deep/er/handler.py": _CPU, "common/util.py": "x = 1\n"},
        {"a": "cpu", "b": "gpu", "deep/er": "cpu"},
    ),
    "one with a manifest beside others without": (
        {
            "a/func.py": _CPU, "a/gaia.manifest.toml": "", "b/func.py": _GPU,
            "c/gaia.toml": "[mode]\n", "c/func.py": _CPU,
        },
        {"a": "cpu", "b": "gpu", "c": "cpu"},
    ),
    "a function at the top and declared ones below": (
        {"func.py": _CPU, "workers/a/func.py": _GPU, "workers/a/gaia.toml": _FUNCTION, "helpers/main.py": _CPU},
        {".": "cpu", "workers/a": "gpu"},
    ),
    "a function at the top takes what is below for its own": (
        {"main.py": _CPU, "api/main.py": _GPU, "worker/main.py": _GPU},
        {".": "cpu"},
    ),
    "nested functions": (
        {"a/func.py": _CPU, "a/gaia.toml": _FUNCTION, "a/inner/func.py": _GPU, "a/inner/gaia.toml": _FUNCTION},
        {"a": "cpu", "a/inner": "gpu"},
    ),
    "serverless": (
        {
            "serverless.yml": _SERVERLESS + _TWO,
            "handlers/one.py": _LAMBDA, "handlers/two.py": _LAMBDA_GPU,
        },
        {"handlers/one.py": "cpu", "handlers/two.py": "gpu"},
    ),
    "serverless services side by side": (
        {
            "a/serverless.yml": _SERVERLESS + _ONE, "a/handler.py": _LAMBDA,
            "b/serverless.yml": _SERVERLESS + _ONE, "b/handler.py": _LAMBDA_GPU,
        },
        {"a": "cpu", "b": "gpu"},
    ),
    "a handler alone in a service, under a name of its own": (
        {
            "a/serverless.yml": _SERVERLESS + "  one:\n    handler: work.hello\n",
            "a/work.py": f"import torch\n\n\ndef hello(params):\n    {_ON_GPU}\n", "b/main.py": _CPU,
        },
        {"a": "gpu", "b": "cpu"},
    ),
    "a service whose handlers are elsewhere": (
        {"serverless.yml": _SERVERLESS + "  one:\n    handler: dist/one.handler\n", "main.py": _GPU},
        {".": "gpu"},
    ),
    "SAM": (
        {"template.yaml": _SAM, "one/app.py": _LAMBDA, "two/app.py": _LAMBDA_GPU, "tests/unit/test_app.py": "x = 1\n"},
        {"one/app.py": "cpu", "two/app.py": "gpu"},
    ),
    "cog in folders": (
        {"a/cog.yaml": _COG, "a/predict.py": _PREDICT, "b/cog.yaml": _COG, "b/predict.py": _PREDICT},
        {"a": "gpu", "b": "gpu"},
    ),
    "functions-framework in folders": (
        {"hello/main.py": _HTTP.format(name="hello"), "resize/main.py": _HTTP.format(name="resize")},
        {"hello": "cpu", "resize": "cpu"},
    ),
    "functions-framework with several targets in a file": (
        {"main.py": _HTTP.format(name="a") + _HTTP.format(name="b")},
        {".": "cpu"},
    ),
    "Modal with several functions in a file": ({"app.py": _MODAL_GPU}, {".": "gpu"}),
    "Modal applications in folders": (
        {"a/serve.py": _MODAL_GPU, "b/job.py": _MODAL_CPU, "README.md": ""},
        {"a": "gpu", "b": "cpu"},
    ),
    "Modal in a package that imports its parts": (
        {"app/serve.py": "from images.base import x\n" + _MODAL_CPU, "images/base.py": _MODAL_GPU + "x = 1\n"},
        {".": "gpu"},
    ),
    "SageMaker models": (
        {"a/code/inference.py": _MODEL, "b/code/inference.py": _MODEL_CPU, "notebooks/deploy.py": "x = 1\n"},
        {"a": "gpu", "b": "cpu"},
    ),
    "Triton's repository": (
        {"models/a/1/model.py": _TRITON, "models/b/1/model.py": _TRITON, "models/a/config.pbtxt": ""},
        {"models/a": "gpu", "models/b": "gpu"},
    ),
    "code that functions share": (
        {
            "a/main.py": "from common.device import place\n\n\ndef handler(payload):\n    return place(payload)\n",
            "b/main.py": _CPU, "common/device.py": "from .base import put\n\n\ndef place(x):\n    return put(x)\n",
            "common/base.py": "import torch\n\n\ndef put(x):\n    return torch.ones(x).cuda()\n",
        },
        {"a": "gpu", "b": "cpu"},
    ),
    "code that a deeper function shares from src": (
        {
            "fns/a/func.py": "import shared\n\n\ndef handler(payload):\n    return shared.put(payload)\n",
            "fns/a/gaia.toml": _FUNCTION, "src/shared/__init__.py": "from .base import put\n",
            "src/shared/base.py": "import torch\n\n\ndef put(x):\n    return torch.ones(x).cuda()\n",
        },
        {"fns/a": "gpu"},
    ),
    "a package that the list names is not the folder of its name": (
        {
            "a/main.py": "import redis\n\n\ndef handler(payload):\n    return redis.get(payload)\n",
            "a/requirements.txt": "redis\n", "b/main.py": _CPU,
            "redis/__init__.py": "import torch\n\n\ndef get(x):\n    return torch.ones(x).cuda()\n",
        },
        {"a": "cpu", "b": "cpu"},
    ),
    "no function at all": ({"lib/a.py": "x = 1\n", "lib/b.py": "import torch\n"}, {".": "cpu_preferred"}),
    "one function below is all that there is": ({"service/main.py": _GPU, "tools/x.py": "x = 1\n"}, {".": "gpu"}),
    "one declared function below": (
        {"service/func.py": _CPU, "service/gaia.toml": _FUNCTION, "tools.py": _GPU},
        {"service": "cpu"},
    ),
    "tests, examples of tools and environments are none": (
        {
            "a/main.py": _CPU, "b/app.py": _APP, "tests/main.py": _GPU,
            ".venv/x/main.py": _GPU, "node_modules/y/main.py": _GPU,
        },
        {"a": "cpu", "b": "cpu"},
    ),
    "a broken one is a function still": (
        {"a/main.py": _CPU, "b/main.py": "def handler(payload:\n"},
        {"a": "cpu", "b": "cpu_preferred"},
    ),
    "a configuration of the linter is no function": (
        {"gaia.toml": '[lint]\nselect = ["ALL"]\n', "a/main.py": _CPU, "b/main.py": _GPU},
        {"a": "cpu", "b": "gpu"},
    ),
    "Knative's functions": (
        {"a/func.yaml": "name: first\n", "a/func.py": _CPU, "b/func.yaml": "name: second\n", "b/func.py": _GPU},
        {"a": "cpu", "b": "gpu"},
    ),
    "a package's own command line is none": (
        {"pkg/__init__.py": "", "pkg/main.py": "def main():\n    pass\n", "svc/main.py": _GPU, "svc2/main.py": _CPU},
        {"svc": "gpu", "svc2": "cpu"},
    ),
}  # fmt: skip
"""Files, and the modes of the functions that they are."""


def tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write `files` below `root`."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("name", TREES)
def test_each_function_of_a_tree_has_a_row(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, expected = TREES[name]
    monkeypatch.chdir(tree(tmp_path, files))

    code = analyze(Path(), output_format="json", as_list=True)

    found = {row["path"]: row["mode"] for row in json.loads(capsys.readouterr().out)["functions"]}
    assert found == expected
    assert (code is ExitCode.OK) == ("broken" not in name)
