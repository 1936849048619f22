"""GA503: a model's weights lie in the project, and their size tells the model's."""

from collections.abc import Iterator

from analyzers.calibration import model_weight
from analyzers.facts.model import Facts
from analyzers.findings import Place, Signal
from analyzers.project.assets import KERNELS
from analyzers.project.model import Asset
from analyzers.rules.knowledge.named_models import shown_count
from analyzers.rules.rule import Hit, Hits, Rule

_BYTES_A_PARAMETER = {".gguf": 0.6, ".safetensors": 2.0, ".bin": 2.0, ".engine": 2.0}
"""What a parameter takes in files of a kind: four or five bits, half precision, and single precision elsewhere."""
_SMALLEST = 150.0
"""Millions of parameters from which a file is worth naming: smaller ones are often only a part of the model."""


def _check(facts: Facts) -> Hits:
    for asset, millions in _models(facts):
        message = f"{asset.path} holds {asset.bytes / 1e9:.1f} GB of weights, about {shown_count(millions)} parameters"
        yield Hit(Place(asset.path, 1), message, model_weight(millions))


def _models(facts: Facts) -> Iterator[tuple[Asset, float]]:
    for asset in facts.assets:
        if not asset.path.endswith(KERNELS):
            millions = asset.bytes / _BYTES_A_PARAMETER.get(f".{asset.path.rpartition('.')[2]}", 4.0) / 1e6
            if millions >= _SMALLEST:
                yield asset, millions


RULE = Rule(
    code="GA503",
    name="weights-file",
    summary="Large weights of a model lie in the project.",
    rationale="A file of weights tells how many parameters a model has where its name does not. Files at the root, "
    "beside the entry point, and in directories such as models/ and weights/ are looked at; where Git LFS has left a "
    "pointer, the size that it states counts. Only `gaia analyze` looks at them: they belong to no file of Python.",
    remedy="Use a smaller model, or quantised weights, where their answers are good enough.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    matches=(
        "# files\nmodel.safetensors 4300000000\n",
        "# files\nweights/model-00001-of-00002.safetensors 9900000000\n",
        "# files\nmodels/llama.Q4_K_M.gguf 4900000000\n",
    ),
    passes=("# files\nmodel.onnx 44000000\n", "# files\nkernels/blur.cu 900000000\n"),
)
