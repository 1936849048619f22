from pathlib import Path

import pytest

from analyzers import analyze
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import project

_STRAY = 'import torch\nx = torch.zeros(3).to("cuda")\n'

ENTRIES = {
    "Cog": ("predict.py", "from cog import BasePredictor\nclass Predictor(BasePredictor):\n    pass\n"),
    "Truss": ("model/model.py", "class Model:\n    def predict(self, request):\n        return request\n"),
    "BentoML": ("service.py", "import bentoml\n@bentoml.service\nclass Service:\n    pass\n"),
    "Modal": ("hello.py", "import modal\napp = modal.App('x')\n@app.function()\ndef f():\n    return 1\n"),
    "Beam": ("serve.py", "from beam import endpoint\n@endpoint()\ndef f():\n    return 1\n"),
    "RunPod": ("rp.py", "import runpod\ndef run(job):\n    return 1\nrunpod.serverless.start({'handler': run})\n"),
    "Ray Serve": ("rs.py", "from ray import serve\n@serve.deployment\nclass D:\n    pass\n"),
    "Lambda": ("lambda_function.py", "def lambda_handler(event, context):\n    return 1\n"),
    "Cloud Functions": ("gcf.py", "import functions_framework\n@functions_framework.http\ndef f(request):\n    pass\n"),
    "Azure ML": ("score.py", "def init():\n    pass\ndef run(raw):\n    return raw\n"),
    "SageMaker": ("inference.py", "def model_fn(folder):\n    return 1\ndef predict_fn(data, model):\n    return 1\n"),
    "Hugging Face": ("endpoint.py", "class EndpointHandler:\n    def __call__(self, data):\n        return data\n"),
    "Triton": (
        "models/m/1/model.py",
        "class TritonPythonModel:\n    def execute(self, requests):\n        return []\n",
    ),
    "Vertex AI": (
        "predictor.py",
        "from google.cloud.aiplatform.prediction.predictor import Predictor\nclass P(Predictor):\n    pass\n",
    ),
    "Lepton": ("photon.py", "from leptonai.photon import Photon\nclass Echo(Photon):\n    pass\n"),
    "Vast": ("worker.py", "from vastai import Worker\nWorker(None).run()\n"),
    "OpenFaaS": ("sentiment/handler.py", "def handle(req):\n    return req\n"),
    "TorchServe": (
        "ts_handler.py",
        "from ts.torch_handler.base_handler import BaseHandler\nclass H(BaseHandler):\n    pass\n",
    ),
    "TorchServe's module": ("model_handler.py", "def handle(data, context):\n    return data\n"),
    "Cloud Functions without the framework": ("gcf/main.py", "def predict(request):\n    return 'x'\n"),
    "Azure Functions": ("function_app.py", "import azure.functions as func\napp = func.FunctionApp()\n"),
    "Chalice": ("lambdas.py", "from chalice import Chalice\napp = Chalice(app_name='x')\n"),
    "Knative": ("kn.py", "from parliament import Context\ndef main(context: Context):\n    return 'ok', 200\n"),
    "OpenWhisk": ("action.py", "def main(args):\n    return args\n"),
    "Beta9": ("b9.py", "from beta9 import endpoint\n@endpoint()\ndef f():\n    return 1\n"),
    "Banana": ("bananas.py", "def init():\n    pass\ndef inference(inputs):\n    return inputs\n"),
    "Potassium": ("pot.py", "from potassium import Potassium\napp = Potassium('m')\n"),
    "Seldon": ("Iris.py", "class Iris:\n    def predict(self, X, features_names=None):\n        return X\n"),
    "Seldon's base": (
        "Iris2.py",
        "from seldon_core.user_model import SeldonComponent\nclass I(SeldonComponent):\n    pass\n",
    ),
    "Seldon's names": ("Iris3.py", "class Iris:\n    def predict(self, X, names=None):\n        return X\n"),
    "TorchServe's class": (
        "ts_class.py",
        "class H:\n    def initialize(self, ctx):\n        pass\n    def handle(self, data, ctx):\n        pass\n",
    ),
    "Hugging Face's older API": (
        "pipe.py",
        "class PreTrainedPipeline:\n    def __call__(self, inputs):\n        return 1\n",
    ),
    "Cortex": ("cortex.py", "class PythonPredictor:\n    def predict(self, payload):\n        return 1\n"),
    "Inferless": ("inferless.py", "class InferlessPythonModel:\n    def infer(self, inputs):\n        return {}\n"),
    "Lambda's shorter names": ("short.py", "def run(event, ctx):\n    return 1\n"),
    "Modal in a function": ("made.py", "def make():\n    import modal\n    return modal.App('x')\n"),
    "KFServing": ("kf.py", "import kfserving\nclass M(kfserving.KFModel):\n    pass\n"),
    "MLServer": ("runtime.py", "from mlserver import MLModel\nclass R(MLModel):\n    pass\n"),
    "MLflow": ("pyfunc.py", "import mlflow.pyfunc\nclass W(mlflow.pyfunc.PythonModel):\n    pass\n"),
    "FastAPI": ("web.py", "from fastapi import FastAPI\napi = FastAPI()\n"),
    "Bottle": ("bottled.py", "from bottle import Bottle\napp = Bottle()\n"),
    "Django": ("site/wsgi.py", "from django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()\n"),
    "http.server": ("plain.py", "from http.server import HTTPServer\nHTTPServer(('', 80), None).serve_forever()\n"),
    "FastAPI's factory": ("factory.py", "from fastapi import FastAPI\ndef make():\n    return FastAPI()\n"),
    "Gradio": ("demo.py", "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\n"),
    "aiohttp": ("aio.py", "from aiohttp import web\napp = web.Application()\n"),
    "gRPC": ("rpc.py", "import grpc\nserver = grpc.server(None)\n"),
    "Celery": ("tasks_of.py", "from celery import Celery\napp = Celery('t')\n"),
    "Streamlit": ("page.py", "import streamlit as st\nst.title('x')\n"),
}


@pytest.mark.parametrize("platform", sorted(ENTRIES))
def test_the_entry_of_a_platform_is_the_start(platform: str, tmp_path: Path) -> None:
    path, code = ENTRIES[platform]
    root = project(tmp_path, {path: "import helper\n" + code}, helper_py="x = 1\n", stray_py=_STRAY)

    assert analyze(root).files == tuple(sorted(("helper.py", path)))


_WEB_SERVERS = (
    "FastAPI", "FastAPI's factory", "Gradio", "aiohttp", "gRPC", "Celery", "Streamlit", "Bottle", "Django",
    "http.server",
)  # fmt: skip


def test_each_entry_of_a_repository_is_a_start(tmp_path: Path) -> None:
    entries = [entry for platform, entry in ENTRIES.items() if platform not in _WEB_SERVERS]
    root = project(tmp_path, dict(entries))

    assert analyze(root).files == tuple(sorted(path for path, _ in entries))


def test_a_web_page_beside_the_entry_of_a_platform_is_a_demonstration(tmp_path: Path) -> None:
    root = project(tmp_path, dict([ENTRIES["Cog"], ENTRIES["Gradio"]]))

    assert analyze(root).files == ("predict.py",)


def test_several_web_servers_are_all_starts(tmp_path: Path) -> None:
    root = project(tmp_path, dict(ENTRIES[platform] for platform in _WEB_SERVERS))

    assert analyze(root).files == tuple(sorted(ENTRIES[platform][0] for platform in _WEB_SERVERS))


_PLACED_IN_MAIN = 'import torch\n{}if __name__ == "__main__":\n    torch.zeros(3).cuda()\n'


def test_the_main_block_of_a_module_that_is_imported_says_nothing(tmp_path: Path) -> None:
    platform = "import network\n" + ENTRIES["BentoML"][1]
    root = project(tmp_path, {"service.py": platform}, network_py=_PLACED_IN_MAIN.format(""))

    assert analyze(root).mode is ExecutionMode.CPU_PREFERRED


def test_the_main_block_of_an_entry_that_the_platform_imports_says_nothing(tmp_path: Path) -> None:
    root = project(tmp_path, {"predict.py": _PLACED_IN_MAIN.format(ENTRIES["Cog"][1])})

    assert analyze(root).mode is ExecutionMode.CPU_PREFERRED


@pytest.mark.parametrize("code", ["", ENTRIES["RunPod"][1], ENTRIES["FastAPI"][1]], ids=["script", "worker", "server"])
def test_the_main_block_of_a_program_counts(code: str, tmp_path: Path) -> None:
    root = project(tmp_path, {"serve.py": _PLACED_IN_MAIN.format(code)})

    assert analyze(root).mode is ExecutionMode.GPU


def test_the_module_beside_a_platforms_own_file_is_the_start(tmp_path: Path) -> None:
    root = project(
        tmp_path, {"main.py": "def run(prompt):\n    return prompt\n", "cerebrium.toml": ""}, stray_py=_STRAY
    )

    assert "stray.py" not in analyze(root).files


def test_the_hidden_folder_of_runpod_holds_code(tmp_path: Path) -> None:
    root = project(tmp_path, {".runpod/handler.py": _STRAY + ENTRIES["RunPod"][1], ".github/x.py": "x = 1\n"})

    assert analyze(root).files == (".runpod/handler.py",)


def test_the_contract_goes_before_the_platforms(tmp_path: Path) -> None:
    root = project(
        tmp_path, {"func.py": "def handler(payload):\n    return 1\n", "service.py": _STRAY + "import bentoml"}
    )

    assert analyze(root).files == ("func.py",)


def test_a_name_in_a_comment_makes_no_entry(tmp_path: Path) -> None:
    root = project(tmp_path, {"a.py": "# import modal\n", "b.py": '"""from cog import BasePredictor"""\n'})

    assert analyze(root).files == ("a.py", "b.py")


def test_shared_packages_of_a_truss_are_followed(tmp_path: Path) -> None:
    root = project(tmp_path, {"model/model.py": "import shared\n" + ENTRIES["Truss"][1], "packages/shared.py": _STRAY})

    assert "packages/shared.py" in analyze(root).files
