import io
import os
import tarfile
from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.images import context as context_module
from gaia_cli.images.context import BuildContext, ignored_by, write_context
from gaia_cli.images.plan import Target, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from runtime_images.policy.model import ExecutionMode

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload): ...\n")
    return tmp_path


def write(directory: Path, *requirements: str) -> BuildContext:
    project = FunctionProject(directory, "hello", requirements=Requirements(requirements))
    plan = plan_image(project, Target(ExecutionMode.CPU, version="1", running_python="3.12"), "{}", base_images())
    return write_context(io.BytesIO(), directory, plan, "made = 1\n", ignored_by(directory))


def names(context: BuildContext) -> set[str]:
    with tarfile.open(fileobj=context.tar) as archive:
        listed = set(archive.getnames())
    return {name.removeprefix("function/") for name in listed if name.startswith("function/")}


def content(context: BuildContext, name: str) -> bytes:
    with tarfile.open(fileobj=context.tar) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def test_the_context_holds_the_function_the_runtime_and_the_manifest(directory: Path) -> None:
    with tarfile.open(fileobj=write(directory, "numpy").tar) as archive:
        listed = set(archive.getnames())

    assert {"Dockerfile", "requirements.txt", "gaia/requirements-runtime.txt"} <= listed
    assert {"function/func.py", "function/gaia.manifest.toml"} <= listed
    assert "gaia/runtime_images/dynamic_runtime/settings.py" in listed


def test_a_manifest_in_the_directory_is_taken_as_it_is(directory: Path) -> None:
    (directory / "gaia.manifest.toml").write_text("own = 1\n")

    assert content(write(directory), "function/gaia.manifest.toml") == b"own = 1\n"


@pytest.mark.parametrize(
    "secret", [".env", ".env.local", "prod.env", "tls.key", "id_rsa", "id_ed25519.pub", ".netrc", "deep/er/.pypirc"]
)
def test_files_that_hold_secrets_stay_out_and_are_named(directory: Path, secret: str) -> None:
    path = directory / secret
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("TOKEN=1\n")
    context = write(directory)

    assert secret not in names(context)
    assert context.left_out == (secret,)


def test_a_private_key_stays_out_under_any_name_and_a_certificate_goes_in(directory: Path) -> None:
    (directory / "harmless.txt").write_text(PRIVATE_KEY)
    (directory / "ca.pem").write_text(CERTIFICATE)
    context = write(directory)

    assert "harmless.txt" not in names(context)
    assert context.left_out == ("harmless.txt",)
    context.tar.seek(0)
    assert "ca.pem" in names(context)


@pytest.mark.parametrize(
    "useless", [".git/config", ".venv/bin/x", "__pycache__/a.pyc", "node_modules/a.js", ".hg/store"]
)
def test_version_control_environments_and_caches_stay_out_without_a_word(directory: Path, useless: str) -> None:
    (directory / useless).parent.mkdir(parents=True)
    (directory / useless).write_text("x")
    context = write(directory)

    assert useless not in names(context)
    assert context.left_out == ()


def test_an_environment_is_known_by_what_is_in_it_not_by_its_name(directory: Path) -> None:
    (directory / "py312").mkdir()
    (directory / "py312/pyvenv.cfg").write_text("home = /usr\n")
    (directory / "py312/big.so").write_text("x")

    assert not any(name.startswith("py312") for name in names(write(directory)))


def test_the_users_own_ignore_file_is_kept_to_with_its_exceptions(directory: Path) -> None:
    (directory / ".dockerignore").write_text("# large\ndata\n*.csv\n!keep.csv\n")
    (directory / "data").mkdir()
    for name in ("data/x.bin", "drop.csv", "keep.csv"):
        (directory / name).write_text("x")

    assert names(write(directory)) == {"func.py", "keep.csv", "gaia.manifest.toml"}


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("data", {"sub/data/x.bin"}),
        ("**/data", set()),
        ("./data/", {"sub/data/x.bin"}),
        ("/data", {"sub/data/x.bin"}),
        ("data\n!data/x.bin", {"data/x.bin", "sub/data/x.bin"}),
        ("*/*/x.bin", {"data/x.bin"}),
        ("!\n  # data\n\n.", {"data/x.bin", "sub/data/x.bin"}),
    ],
)
def test_patterns_start_at_the_root_as_dockers_do(directory: Path, lines: str, kept: set[str]) -> None:
    (directory / ".dockerignore").write_text(lines)
    for name in ("data/x.bin", "sub/data/x.bin"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("x")

    assert names(write(directory)) - {"func.py", "gaia.manifest.toml"} == kept


def test_gaiaignore_goes_before_dockerignore(directory: Path) -> None:
    (directory / ".dockerignore").write_text("func.py\n")
    (directory / ".gaiaignore").write_text("other.py\n")
    (directory / "other.py").write_text("")

    assert names(write(directory)) == {"func.py", "gaia.manifest.toml"}


def test_an_ignore_file_cannot_bring_a_secret_in(directory: Path) -> None:
    (directory / ".env").write_text("TOKEN=1\n")
    (directory / ".gaiaignore").write_text("!.env\n")

    assert ".env" not in names(write(directory))


def test_a_link_out_of_the_directory_is_refused(directory: Path) -> None:
    (directory / "passwords").symlink_to("/etc/passwd")

    with pytest.raises(ConfigurationError, match="passwords is a symbolic link out of"):
        write(directory)


def test_a_link_inside_the_directory_stays_a_link(directory: Path) -> None:
    (directory / "model").mkdir()
    (directory / "model/v2.bin").write_text("x")
    (directory / "latest").symlink_to(directory / "model")  # absolute here, and would lead nowhere in the image

    with tarfile.open(fileobj=write(directory).tar) as archive:
        link = archive.getmember("function/latest")
    assert (link.issym(), link.linkname) == (True, "model")


def test_pipes_and_sockets_are_passed_over(directory: Path) -> None:
    os.mkfifo(directory / "pipe")

    assert "pipe" not in names(write(directory))


def test_equal_sources_give_an_equal_digest_whenever_and_whoever_wrote_them(tmp_path: Path) -> None:
    digests = set()
    for name, mode, when in (("a", 0o600, 1), ("b", 0o644, 1_000_000_000)):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "func.py"
        file.write_text("def handler(payload): ...\n")
        file.chmod(mode)
        os.utime(file, (when, when))
        digests.add(write(tmp_path / name).digest)

    assert len(digests) == 1


def test_other_code_gives_another_digest(directory: Path) -> None:
    before = write(directory).digest
    (directory / "func.py").write_text("def handler(payload): return 1\n")

    assert write(directory).digest != before


def test_every_file_can_be_read_by_the_functions_user(directory: Path) -> None:
    (directory / "func.py").chmod(0o600)
    (directory / "tool.sh").write_text("")
    (directory / "tool.sh").chmod(0o700)

    with tarfile.open(fileobj=write(directory).tar) as archive:
        modes = {entry.name: entry.mode for entry in archive}
        assert all((entry.uid, entry.mtime) == (0, 946684800) for entry in archive)
    assert modes["function/func.py"] == 0o644
    assert modes["function/tool.sh"] == 0o755


def test_a_directory_with_a_whole_disk_in_it_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "MOST_FILES", 3)
    for number in range(4):
        (directory / f"{number}.txt").write_text("")

    with pytest.raises(ConfigurationError, match="holds more than 3 files"):
        write(directory)
