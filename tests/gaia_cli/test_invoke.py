import json
import os
import pty
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import GAIA, run_gaia
from tests.support.echo_server import echo_server


@pytest.fixture
def url() -> Iterator[str]:
    with echo_server() as address:
        yield address


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"GAIA_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "gaia.toml").write_text('[mode]\npin = "cpu"\n')
    (tmp_path / "func.py").write_text(
        "import os, sys\n"
        "def handler(payload):\n"
        "    print('noticed')\n"
        "    if payload.get('fail'):\n"
        "        raise ValueError('no')\n"
        "    return {'got': payload, 'backend': os.environ['GAIA_BACKEND'], 'path': sys.path}\n"
    )
    return tmp_path


def test_a_url_is_asked_and_only_the_body_is_printed(url: str) -> None:
    done = run_gaia("invoke", url, "--data", '{"size": 1}')

    assert json.loads(done.stdout)["body"] == '{"size": 1}'
    assert (done.returncode, done.stderr) == (0, "")


def test_host_and_port_are_enough(url: str) -> None:
    assert run_gaia("invoke", url.removeprefix("http://")).returncode == 0


def test_no_directory_stands_in_for_a_host_and_its_port(url: str, tmp_path: Path) -> None:
    decoy = tmp_path / url.removeprefix("http://")
    decoy.mkdir()
    (decoy / "func.py").write_text("def handler(payload):\n    return 'decoy'\n")

    ended = run_gaia("invoke", decoy.name, "--data", "1", cwd=tmp_path)

    assert json.loads(ended.stdout)["body"] == "1"


def test_verbose_shows_the_status_beside_the_body(url: str) -> None:
    assert run_gaia("invoke", url, "-v").stderr == "HTTP 200 OK\n"


def test_the_body_can_be_a_file_or_standard_input(url: str, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("[1]")

    from_file = run_gaia("invoke", url, "--data", "@body.json", cwd=tmp_path)
    from_input = run_gaia("invoke", url, "--data", "-", stdin="[2]")
    assert [json.loads(done.stdout)["body"] for done in (from_file, from_input)] == ["[1]", "[2]"]


def test_a_header_can_name_another_type_than_json(url: str) -> None:
    done = run_gaia("invoke", url, "--data", "plain words", "--header", "Content-Type: text/plain")

    assert json.loads(done.stdout)["type"] == "text/plain"


def test_a_terminal_gets_the_json_laid_out(url: str) -> None:
    leader, follower = pty.openpty()
    subprocess.run([GAIA, "invoke", url], stdout=follower, timeout=20, check=True)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)

    assert '\n  "method": "GET"' in shown.replace("\r\n", "\n")


def test_an_error_status_ends_with_1_after_the_body(url: str) -> None:
    failed = run_gaia("invoke", url, "--path", "/fail")

    assert json.loads(failed.stdout)["target"] == "/fail"
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: the function answered 503 Service Unavailable\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "{size: 1}"], "--data is not valid JSON"),
        (["--data", '{"size": Infinity}'], "--data is not valid JSON"),
        (["--data", "@absent.json"], "cannot read absent.json"),
        (["--header", "no-colon"], "is not a header"),
    ],
)
def test_what_cannot_be_sent_is_reported_before_anything_is_asked(arguments: list[str], said: str) -> None:
    failed = run_gaia("invoke", "http://127.0.0.1:1", *arguments)

    assert failed.returncode == 2
    assert said in failed.stderr


def test_a_path_that_is_not_there_is_reported() -> None:
    failed = run_gaia("invoke", "nowhere/at/all")

    assert failed.returncode == 2
    assert "error: nowhere/at/all does not exist" in failed.stderr


def test_a_function_is_started_asked_and_gone(function: Path, cache: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="g-", dir="/tmp") as temporary:  # short, or no socket would be put there
        done = run_gaia("invoke", str(function), "--data", '{"a": 1}', env=cache | {"TMPDIR": temporary})
        left = list(Path(temporary).iterdir())

    answer = json.loads(done.stdout)
    assert (answer["got"], answer["backend"]) == ({"a": 1}, "cpu")
    assert "noticed" in done.stderr
    assert left == []


def test_a_function_does_not_see_gaias_own_packages(function: Path, cache: dict[str, str]) -> None:
    places = json.loads(run_gaia("invoke", str(function), "--data", "{}", env=cache).stdout)["path"]

    site_packages = [place for place in places if place.endswith("site-packages")]
    assert site_packages
    assert all(place.startswith(cache["GAIA_CACHE_DIR"]) for place in site_packages)


def test_a_function_that_raises_is_an_error_with_its_body(function: Path, cache: dict[str, str]) -> None:
    failed = run_gaia("invoke", str(function), "--data", '{"fail": true}', env=cache)

    assert failed.returncode == 1
    assert "ValueError" in json.loads(failed.stdout)["error"]
    assert "error: the function answered 500" in failed.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import absent_module\ndef handler(payload): ...\n", "func.py:1 raised ModuleNotFoundError"),
        ("def handler(): ...\n", "must accept one argument"),
        ("def handler(payload) ...\n", "func.py:1"),
        ("x = 1\n", "no entry point"),
    ],
)
def test_a_function_that_cannot_be_served_is_reported(
    code: str, said: str, function: Path, cache: dict[str, str]
) -> None:
    (function / "func.py").write_text(code)

    failed = run_gaia("invoke", str(function), "--data", "{}", env=cache)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert said in failed.stderr
    assert "\nhint: " in failed.stderr


def test_a_function_pinned_to_a_gpu_is_not_served_by_anything_else(function: Path, cache: dict[str, str]) -> None:
    (function / "gaia.toml").write_text('[mode]\npin = "gpu"\n')

    failed = run_gaia("invoke", str(function), "--data", "{}", env=cache | {"CUDA_VISIBLE_DEVICES": ""})
    if failed.returncode == 0:
        pytest.skip("this machine has a GPU")
    assert failed.returncode == 3
    assert "GPU" in failed.stderr
