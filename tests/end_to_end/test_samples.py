"""The samples: the verdict that each must get, what each answers, and the load of the demo."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gaia_cli.project.project import load_project
from gaia_cli.running.playing.requests_file import read_requests
from tests.support.cli import call_gaia, run_gaia

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
EXPECTED = {
    name: entry["expected_mode"] for name, entry in tomllib.loads((SAMPLES / "expectations.toml").read_text()).items()
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"GAIA_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}


def test_every_sample_has_an_expected_verdict() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("sample", EXPECTED)
def test_a_sample_gets_its_verdict(sample: str) -> None:
    reported = json.loads(call_gaia("analyze", str(SAMPLES / sample), "--output-format", "json").stdout)

    assert reported["mode"] == EXPECTED[sample]


@pytest.mark.parametrize("sample", EXPECTED)
def test_the_readme_of_a_sample_promises_the_same_verdict(sample: str) -> None:
    assert f"Expected mode: `{EXPECTED[sample]}`." in (SAMPLES / sample / "README.md").read_text()


@pytest.mark.parametrize("sample", EXPECTED)
def test_a_sample_is_a_valid_project(sample: str) -> None:
    assert load_project(SAMPLES / sample).name == sample.partition("-")[2]


def test_hello_greets(cache: dict[str, str]) -> None:
    done = run_gaia("invoke", str(SAMPLES / "01-hello"), "--data", '{"name": "Ada"}', env=cache)

    assert json.loads(done.stdout) == {"message": "Hello, Ada!"}


def test_matmul_multiplies_on_a_cpu(cache: dict[str, str]) -> None:
    done = run_gaia("invoke", str(SAMPLES / "02-matmul"), "--data", '{"size": 32}', env=cache)

    answer = json.loads(done.stdout)
    assert answer | {"seconds": 0} == {
        "size": 32, "trace": answer["trace"], "seconds": 0, "backend": "cpu", "emulated": False,
    }  # fmt: skip
    assert 0 < answer["trace"] < 32 * 32  # each of its 32 elements is a sum of 32 products below 1


def test_matmul_refuses_a_size_that_is_none(cache: dict[str, str]) -> None:
    failed = run_gaia("invoke", str(SAMPLES / "02-matmul"), "--data", '{"size": "large"}', env=cache)

    assert failed.returncode == 1
    assert '"size" must be a whole number' in failed.stderr


def test_idle_wait_waits_as_long_as_asked(cache: dict[str, str]) -> None:
    waited = run_gaia("invoke", str(SAMPLES / "03-idle-wait"), "--data", '{"wait_time": 0.01}', env=cache)
    refused = run_gaia("invoke", str(SAMPLES / "03-idle-wait"), "--data", '{"wait_time": "long"}', env=cache)

    assert json.loads(waited.stdout) == {"waited_s": 0.01}
    assert (refused.returncode, json.loads(refused.stdout)) == (1, {"error": '"wait_time" must be a number of seconds'})


def test_the_load_of_the_demo_is_what_its_script_writes() -> None:
    script = ROOT / "scripts" / "make_demo_load.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30, check=True).stdout

    assert written == (SAMPLES / "02-matmul" / "load.jsonl").read_text()


def test_the_load_of_the_demo_fits_into_a_minute() -> None:
    planned = read_requests(SAMPLES / "02-matmul" / "load.jsonl").requests

    assert len(planned) > 100
    assert 40 <= planned[-1].at_s <= 45
