"""What the index of packages says of a package, asked of a small index that runs here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts.gather_gpu_packages import MOST, asked, by_requirements, by_summary, listed, table

_PACKAGES: dict[str, object] = {
    "solver": {"info": {"requires_dist": ["numpy", "nvidia-cublas-cu12>=12; platform_system == 'Linux'"]}},
    "vision": {"info": {"requires_dist": ["torch>=2", "not a requirement !"]}},
    "frames": {"info": {"requires_dist": ["pandas", "torch; extra == 'gpu'"]}},
    "plain": {"info": {"requires_dist": None}},
    "odd": ["no metadata"],
}


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = _PACKAGES.get(self.path.split("/")[2])
        body = json.dumps(found).encode() if found else b"no such package"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that the base class gives it
        """Be quiet."""


@pytest.fixture
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Index)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pypi/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_package_is_judged_by_what_it_requires_without_extras(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["solver", "vision", "frames", "plain", "odd", "missing"]

    assert dict(asked(index, names, pause_s=0)) == {"solver": "CUDA", "vision": "PyTorch", "frames": "", "plain": ""}
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["odd", "missing"]


def test_a_run_asks_for_a_bounded_number_of_packages() -> None:
    assert list(asked("http://127.0.0.1:9/", [], pause_s=0)) == []
    assert MOST <= 500


@pytest.mark.parametrize(
    ("summary", "word"),
    [
        ("Arrays on NVIDIA GPUs", "CUDA"),
        ("Model interpretability for PyTorch", "PyTorch"),
        ("Solvers written in JAX", "JAX"),
        ("Layers for Keras", "TensorFlow"),
        ("A torchlight for your terminal", ""),
        ("HTTP for humans", ""),
    ],
)
def test_a_summary_tells_what_a_package_computes_with(summary: str, word: str) -> None:
    assert by_summary(summary) == word


def test_a_listing_leaves_out_what_nobody_imports_to_compute() -> None:
    lines = [
        "name\tversion\tsummary",
        "captum\t1\tFor PyTorch",
        "nvidia-cublas-cu12\t1\tCUDA",
        "types-x\t1\t",
        "../x\t1\t",
    ]

    assert listed(lines) == {"captum": "For PyTorch"}


def test_a_table_has_rows_of_a_word_names_and_a_source() -> None:
    found = {f"package-{number:02}": "PyTorch" for number in range(20)} | {"solver": "CUDA", "plain": ""}
    rows = [row.split("\t") for row in table(found, "an index")]

    assert [row[0] for row in rows] == ["CUDA", "PyTorch", "PyTorch", "PyTorch"]
    assert sum(len(row[1].split()) for row in rows) == 21
    assert {row[2] for row in rows} == {"an index"}


def test_a_requirement_of_cuda_goes_before_one_of_a_framework() -> None:
    assert by_requirements(["torch", "nvidia-nccl-cu12"]) == "CUDA"
