"""What stands beside the functions that serving uses."""

from pathlib import Path

from analyzers import Analysis, analyze
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import mode_of, project

_NETWORK = (
    "import torch\n"
    "def load():\n    return torch.load('m.pt')\n"
    "def fit(model):\n    model.cuda()\n    _step(model)\n"
    "def _step(model):\n    model(1).backward()\n"
)


def _served(tmp_path: Path, code: str, **files: str) -> Analysis:
    return analyze(project(tmp_path, {"func.py": f"{code}\ndef handler(payload):\n    return 1\n"}, **files))


def test_a_function_that_nothing_mentions_says_nothing(tmp_path: Path) -> None:
    analysis = _served(tmp_path, "from network import load\nmodel = load()", network_py=_NETWORK)

    assert analysis.mode is ExecutionMode.CPU_PREFERRED
    assert not any(finding.rule == "GA404" for finding in analysis.findings)


def test_a_package_that_hands_a_name_on_does_not_use_it(tmp_path: Path) -> None:
    package = "from lib.network import fit, load\n__all__ = ['fit', 'load']\n"
    files = {"func.py": "from lib import load\ndef handler(payload):\n    return load()\n", "lib/network.py": _NETWORK}

    analysis = analyze(project(tmp_path, {**files, "lib/__init__.py": package}))

    assert analysis.mode is ExecutionMode.CPU_PREFERRED


def test_a_function_that_is_used_counts_however_it_is_mentioned(tmp_path: Path) -> None:
    for number, code in enumerate(
        (
            "import network\nnetwork.fit(network.load())",
            "from network import fit, load\njobs = [fit]",
            "import network\ngetattr(network, 'fit')(1)",
        )
    ):
        analysis = _served(tmp_path / str(number), code, network_py=_NETWORK)

        assert analysis.mode is ExecutionMode.GPU, code
        assert any(finding.rule == "GA404" for finding in analysis.findings), code


def test_where_reading_starts_everything_counts(tmp_path: Path) -> None:
    code = "import torch\ndef predict(payload):\n    return torch.zeros(1).cuda()"

    assert _served(tmp_path, code).mode is ExecutionMode.GPU


_CLASSES = (
    "import torch\n"
    "class Loader:\n    def __init__(self):\n        self.model = torch.load('m.pt')\n"
    "    def fit(self):\n        self.model.cuda()\n"
    "class Trainer:\n    def __init__(self):\n        torch.zeros(1).cuda()\n"
    "class Network(torch.nn.Module):\n    def forward(self, x):\n        return x.cuda()\n"
)


def test_a_method_and_a_class_that_nothing_mentions_say_nothing(tmp_path: Path) -> None:
    analysis = _served(tmp_path, "from network import Loader\nmodel = Loader()", network_py=_CLASSES)

    assert analysis.mode is ExecutionMode.CPU_PREFERRED


def test_a_method_that_a_library_may_call_counts(tmp_path: Path) -> None:
    analysis = _served(tmp_path, "from network import Network\nmodel = Network()", network_py=_CLASSES)

    assert analysis.mode is ExecutionMode.GPU


def test_a_method_that_is_called_counts(tmp_path: Path) -> None:
    analysis = _served(tmp_path, "from network import Loader\nLoader().fit()", network_py=_CLASSES)

    assert analysis.mode is ExecutionMode.GPU


def test_what_only_the_main_block_of_an_imported_module_mentions_says_nothing(tmp_path: Path) -> None:
    main = "import check\n\ndef handler(payload):\n    return check.label(payload)\n"
    tool = (
        "import torch\n\ndef label(payload):\n    return str(payload)\n\n\ndef tool():\n"
        '    return torch.load("m.pt").to("cuda")\n\n\nif __name__ == "__main__":\n    tool()\n'
    )

    assert mode_of(tmp_path, main, check_py=tool) == "cpu_preferred"
    assert mode_of(tmp_path, main, check_py=tool.replace('if __name__ == "__main__":\n    ', "")) == "gpu"
