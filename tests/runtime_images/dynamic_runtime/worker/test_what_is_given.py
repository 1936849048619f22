"""What a function is given besides its request: the descriptors and variables that docs/functions.md names, only."""

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.runtime_images.dynamic_runtime.workers.test_zygote import with_library
from tests.support.serving import Serving, serving, write_function

PAGE = Path(__file__).parents[4] / "docs" / "functions.md"
LOOK = """
    import os, stat

    def look():
        descriptors = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                descriptors[name] = (os.readlink(f"/proc/self/fd/{name}"), os.get_inheritable(int(name)))
            except OSError:
                pass  # that of the listing
        with open("/proc/self/environ", "rb") as file:
            at_first = [one.partition(b"=")[0].decode() for one in file.read().split(b"\\0") if one]
        return {"descriptors": descriptors, "environ": dict(os.environ), "at_first": at_first}
"""
BLOCKING = (
    LOOK
    + """
    def handler(payload):
        return {**look(), "parent": os.getppid()}
"""
)
ASYNC = (
    LOOK
    + """
    import sys

    sys.modules["uvloop"] = None  # whose loop opens more, as does any library

    async def handler(payload):
        return {**look(), "parent": os.getppid()}
"""
)
LIBRARIES = {
    "forked": "",
    "become": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    "spawned": "import os\nif os.environ.get('PYTORCH_NVML_BASED_CUDA_CHECK'): os._exit(7)\n",
}
"""How a worker comes to be: by a zygote, as a zygote that must not fork, without one."""

SHARED = {
    "/dev/null": 1, "pipe:": 3, "socket:": 1, "/memfd:gaia-journal": 1, "/memfd:gaia-requests": 1,
    "/memfd:gaia-answers": 1,
}  # fmt: skip
LOOPS = {
    "blocking": {"anon_inode:[eventfd]": 1, "anon_inode:[eventpoll]": 1},
    "async": {"socket:": 2, "anon_inode:[eventpoll]": 1},
}
VARIABLES = {"GAIA_BACKEND", "GAIA_ACCELERATOR", "PORT", "LISTEN_ADDRESS", "PYTHONUNBUFFERED"}
NO_GPU = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"}
SECRET = {"GAIA_WARMUP": '{"path": "/?s3cret"}', "GAIA_CACHE_DIR": "/s3cret", "GAIA_OWN": "s3cret"}


def kinds(descriptors: dict[str, tuple[str, bool]]) -> Counter[str]:
    """Count the descriptors by what they are of."""
    return Counter(
        target.partition("[")[0] if target.startswith(("pipe:", "socket:")) else target.removesuffix(" (deleted)")
        for target, _ in descriptors.values()
    )


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize("way", LIBRARIES)
@pytest.mark.parametrize("form", ["blocking", "async"])
def test_a_function_finds_the_descriptors_and_variables_that_are_its_own_and_no_others(
    tmp_path: Path, way: str, form: str, backend: str
) -> None:
    source = BLOCKING if form == "blocking" else ASYNC
    python = with_library(tmp_path, LIBRARIES[way], source)
    mode = "gpu_preferred" if backend == "gpu" else "cpu_preferred"
    with ExitStack() as left_open:
        for _ in range(3):  # what the runtime's starter has left open and inheritable is nobody's
            fd = os.open("/", os.O_RDONLY)
            os.set_inheritable(fd, True)
            left_open.callback(os.close, fd)
        settings = {"GAIA_MODE": mode, "GAIA_FUNCTION_PYTHON": python, "OWN": "1", **SECRET}
        with serving(tmp_path / "function", True, **settings) as running:
            given = [ask(running, backend)]
            if way != "forked":  # the first one may have become a worker, the next one is spawned
                running.admin("POST", "/pin")
                for other in ("gpu", "cpu") if backend == "cpu" else ("cpu", "gpu"):
                    running.switch(other)
                given.append(ask(running, backend))
            zygote = running.state()["zygote"]

    assert (given[0]["parent"] == zygote) is (way == "forked")
    for one in given:
        seen = kinds(one["descriptors"])
        assert seen == Counter(SHARED) + Counter(LOOPS[form])
        assert {fd for fd, (_, inheritable) in one["descriptors"].items() if inheritable} == {"0", "1", "2"}
        ours = {name for name in one["environ"] if name.startswith("GAIA_") or name not in os.environ}
        assert ours - {"OWN", "LC_CTYPE"} == (VARIABLES | NO_GPU) - os.environ.keys()
        assert one["environ"]["OWN"] == "1"
        assert not {name for name in one["at_first"] if name.startswith("GAIA_")} - VARIABLES
        assert "s3cret" not in repr(one)


def ask(running: Serving, backend: str) -> dict[str, Any]:
    value = running.post({}).json()
    assert isinstance(value, dict)
    assert value["environ"]["GAIA_BACKEND"] == backend
    return value


def test_the_page_names_every_variable() -> None:
    page = PAGE.read_text("utf-8")

    assert [name for name in (*VARIABLES, *NO_GPU) if f"`{name}`" not in page] == []


def test_what_a_function_starts_gets_none_of_its_descriptors(tmp_path: Path) -> None:
    source = """
        import os, subprocess

        def handler(payload):
            return subprocess.run(["ls", "/proc/self/fd"], close_fds=False, capture_output=True).stdout.decode().split()
    """
    with serving(write_function(tmp_path, source)) as running:
        descriptors = running.post({}).json()

    assert descriptors == ["0", "1", "2", "3"], "the last one is that of the listing"
