"""GA503: weights of a model in the project, whose size shows the model's."""

from analyzers.calibration import model_weight
from analyzers.facts.model import Facts
from analyzers.findings import Place, Signal
from analyzers.project.beside.assets import KERNELS
from analyzers.rules.knowledge.named_models import shown_count
from analyzers.rules.rule import Hit, Hits, Rule

_BYTES_A_PARAMETER = {".gguf": 0.6, ".safetensors": 2.0, ".bin": 2.0, ".engine": 2.0}
"""What a parameter takes in files of a kind: four or five bits, half precision, and single precision elsewhere."""
_SMALLEST = 150.0
"""Millions of parameters from which a file is worth naming: smaller ones are often only a part of the model."""


def _check(facts: Facts) -> Hits:
    for asset in facts.assets:
        bytes_each = _BYTES_A_PARAMETER.get(f".{asset.path.rpartition('.')[2]}", 4.0)
        millions = asset.bytes / bytes_each / 1e6
        if millions >= _SMALLEST and not asset.path.endswith(KERNELS):
            size = f"{asset.bytes / 1e9:.1f} GB of weights, about {shown_count(millions)} parameters"
            yield Hit(Place(asset.path, 1), f"{asset.path} holds {size}", model_weight(millions))


RULE = Rule(
    code="GA503",
    name="weights-file",
    summary="The project holds large weights of a model.",
    rationale="A file of weights shows how many parameters a model has where its name does not. Files at the root, "
    "beside the entry point, and in directories such as models/ and weights/ count; for a pointer of "
    "Git LFS, the size that it states does. Only `gaia analyze` looks at them: they belong to no Python file.",
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
