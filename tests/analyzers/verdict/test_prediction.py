import re
from pathlib import Path

import pytest

from analyzers import AnalyzerError, analyze
from analyzers.verdict.hardware import Processor, hardware
from runtime_images.policy.model import ExecutionMode, Slo
from tests.analyzers.support import project
from tests.support.notebooks import notebook

_GUARDED = 'device = "cuda" if torch.cuda.is_available() else "cpu"\n'
_PRODUCT = (
    "import torch\n" + _GUARDED + "def handler(payload):\n"
    "    a = torch.rand({n}, {n}, device=device)\n    return float(torch.matmul(a, a).sum())\n"
)
_BERT = (
    "import torch\nfrom transformers import AutoModel\n" + _GUARDED + 'model = AutoModel.from_pretrained("bert-110m")\n'
    "def handler(payload):\n    return model(**payload)\n"
)


def _mode(root: Path, code: str, latency_ms: float | None, name: str = "") -> ExecutionMode:
    return analyze(project(root, func_py=code), slo=Slo(latency_p95_ms=latency_ms), hardware=name).mode


@pytest.mark.parametrize("latency_ms", [None, 50.0, 100_000.0])
def test_work_of_unknown_size_is_left_to_the_sum(latency_ms: float | None, tmp_path: Path) -> None:
    code = "import torch\n" + _GUARDED + "def handler(n):\n    a = torch.rand(n, n)\n    return float((a @ a).sum())\n"

    assert _mode(tmp_path, code, latency_ms) is ExecutionMode.CPU_PREFERRED


def test_a_cpu_that_keeps_the_slo_is_preferred_however_large_the_work_looks(tmp_path: Path) -> None:
    code = _PRODUCT.format(n=4096)

    assert _mode(tmp_path / "a", code, None) is ExecutionMode.GPU_PREFERRED
    assert _mode(tmp_path / "b", code, 10_000.0) is ExecutionMode.CPU_PREFERRED


def test_a_gpu_that_alone_keeps_the_slo_is_preferred_however_small_the_work_looks(tmp_path: Path) -> None:
    assert _mode(tmp_path / "a", _BERT, None) is ExecutionMode.CPU_PREFERRED
    assert _mode(tmp_path / "b", _BERT, 100.0) is ExecutionMode.GPU_PREFERRED


def test_an_slo_that_nothing_keeps_decides_nothing(tmp_path: Path) -> None:
    assert _mode(tmp_path, _BERT, 0.001) is ExecutionMode.CPU_PREFERRED


def test_an_slo_never_changes_a_fixed_mode(tmp_path: Path) -> None:
    pinned = "import torch\na = torch.rand(9000, 9000).cuda()\nb = torch.matmul(a, a)\n"

    assert _mode(tmp_path / "a", pinned, 1e9) is ExecutionMode.GPU
    assert _mode(tmp_path / "b", "import numpy as np\na = np.ones((9000, 9000))\nb = a @ a\n", 1.0) is ExecutionMode.CPU


def test_the_reason_names_times_work_and_place(tmp_path: Path) -> None:
    slo = Slo(latency_p95_ms=100.0)

    reason = analyze(project(tmp_path, func_py=_BERT), slo=slo, hardware="l4").reason

    assert re.search(r"a CPU would miss the SLO of 100 ms: about \d+ ms for 128 tokens through bert-110m", reason)
    assert re.search(r"[\d.]+ ms on a GPU like the L4 \(func\.py:4\)", reason)


@pytest.mark.parametrize("last", ["", 'model.to("cuda")\n'], ids=["preferred", "needed"])
def test_an_slo_that_neither_backend_keeps_is_said_with_the_times_of_both(tmp_path: Path, last: str) -> None:
    root = project(tmp_path, func_py=_BERT + last)

    said = analyze(root, slo=Slo(latency_p95_ms=0.01), hardware="h100").slo_out_of_reach

    assert re.match(r"neither can keep 0.01 ms: CPU \d+ ms, H100 [\d.]+ ms for 128 tokens through bert-110m", said)
    assert said.endswith(" (func.py:4)")
    assert analyze(root, slo=Slo(latency_p95_ms=1000.0)).slo_out_of_reach == ""
    assert analyze(root, slo=Slo(latency_p95_ms=100.0)).slo_out_of_reach == "", "the GPU alone keeps it"
    assert analyze(root).slo_out_of_reach == ""


def test_long_times_are_whole_seconds(tmp_path: Path) -> None:
    code = _BERT.replace("bert-110m", "gpt-70b").replace("return model(**payload)", "return model.generate(payload)")

    said = analyze(project(tmp_path, func_py=code), slo=Slo(latency_p95_ms=200.0)).slo_out_of_reach

    assert re.match(r"neither can keep 200 ms: CPU \d{4,} s, T4 \d+ s for 128 tokens of gpt-70b", said)


def test_generated_text_reads_the_model_for_each_token(tmp_path: Path) -> None:
    code = _BERT.replace("return model(**payload)", "return model.generate(payload, max_new_tokens=16)")

    reason = analyze(project(tmp_path, func_py=code), slo=Slo(latency_p95_ms=5_000.0)).reason

    assert "16 tokens of bert-110m" in reason


def test_time_is_the_larger_of_computing_and_reading() -> None:
    processor = Processor(flops_per_s=100.0, bytes_per_s=10.0, share=0.5)

    assert processor.seconds(flops=1000.0, read=1.0) == 20.0
    assert processor.seconds(flops=1.0, read=100.0) == 20.0


def test_every_profile_is_faster_than_the_cpu_and_a_wrong_name_lists_them() -> None:
    with pytest.raises(AnalyzerError, match="no hardware profile 'abacus'") as caught:
        hardware("abacus")
    names = re.findall(r"\b[a-z]+\d+[a-z]?\b", caught.value.hint)

    assert {"t4", "l4", "a10g", "a100", "h100"} <= set(names)
    for profile in map(hardware, names):
        assert profile.gpu.seconds(1e12, 1e9) < profile.cpu.seconds(1e12, 1e9)


_OWN = "[gpu.board]\ngflops = 1000\ngigabytes_per_s = 50\nshare = 0.5\n"


def test_a_file_of_ones_own_is_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(_OWN)

    profile = hardware(str(path))
    assert (profile.name, profile.gpu, profile.cpu) == ("board", Processor(1e12, 50e9, 0.5), hardware().cpu)

    other = _OWN.replace("board", "other").replace("1000", "2000")
    path.write_text(f'default = "other"\n[cpu]\ngflops = 10\ngigabytes_per_s = 5\nshare = 1\n{_OWN}{other}')
    profile = hardware(str(path))
    assert (profile.name, profile.gpu.flops_per_s, profile.cpu) == ("other", 2e12, Processor(1e10, 5e9, 1.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no GPUs and no default"),
        (_OWN + _OWN.replace("board", "other"), "2 GPUs and no default"),
        (f'default = "b"\n{_OWN}', r"no \[gpu.b\]"),
        (_OWN.replace("1000", "-1"), r"\[gpu.board\] gflops must be a number above 0"),
        (_OWN.replace("1000", "true"), r"\[gpu.board\] gflops must be a number above 0"),
        (_OWN.replace("0.5", "2"), "share must be at most 1"),
        ("[gpu]\nboard = 3\n", "gflops must be a number"),
        (f"cpu = 3\n{_OWN}", r"\[cpu\] gflops must be a number"),
        ("gpu = {", "not valid TOML"),
    ],
)
def test_a_file_that_is_no_profile_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(text)

    with pytest.raises(AnalyzerError, match=message):
        hardware(str(path))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(AnalyzerError, match=r"cannot read the hardware profile nowhere\.toml: No such file"):
        hardware("nowhere.toml")


def test_hardware_is_checked_even_where_nothing_is_predicted(tmp_path: Path) -> None:
    with pytest.raises(AnalyzerError, match="abacus"):
        analyze(project(tmp_path, func_py="x = 1\n"), hardware="abacus")


def test_the_place_of_work_in_a_notebook_is_its_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("import torch\n", _BERT))

    assert "(a.ipynb:cell 2:4)" in analyze(path, slo=Slo(latency_p95_ms=100.0)).reason


_EMBEDS = (
    "from sentence_transformers import SentenceTransformer\nmodel = SentenceTransformer({name!r})\n"
    "def handler(payload):\n    return model.encode(payload['text']).tolist()\n"
)


@pytest.mark.parametrize(
    "name",
    [
        "all-MiniLM-L6-v2",
        "BAAI/bge-small-en-v1.5",
        "intfloat/e5-small-v2",
        "thenlper/gte-small",
        "multi-qa-MiniLM-L6-cos-v1",
    ],
)
def test_a_small_model_of_known_size_keeps_a_tenth_of_a_second(name: str, tmp_path: Path) -> None:
    assert _mode(tmp_path, _EMBEDS.format(name=name), 100.0) is ExecutionMode.CPU_PREFERRED


def test_a_model_of_which_only_the_family_is_known_predicts_nothing(tmp_path: Path) -> None:
    slo = Slo(latency_p95_ms=100.0)

    assert analyze(project(tmp_path, func_py=_EMBEDS.format(name="our-own-minilm")), slo=slo).prediction is None
