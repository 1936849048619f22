import errno
import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from analyzers.lean.files import open_inside
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


def test_an_ignore_file_with_a_byte_order_mark_keeps_its_first_line(directory: Path) -> None:
    (directory / ".dockerignore").write_bytes(b"\xef\xbb\xbfprivate-data\r\nother\r\n")
    (directory / "private-data").write_text("x")

    assert "private-data" not in names(write(directory))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("data\n".encode("utf-16"), "is not UTF-8 text"),
        ("donn\xe9es\n".encode("latin-1"), "is not UTF-8 text"),
        (b"# data\n[a\n", r"\.dockerignore:2: a bracket"),
        (b"#" * 300_000, "it is larger than 256 KiB"),
    ],
)
def test_an_ignore_file_that_cannot_be_kept_to_is_an_error(directory: Path, content: bytes, said: str) -> None:
    (directory / ".dockerignore").write_bytes(content)

    with pytest.raises(ConfigurationError, match=said):
        write(directory)


def test_an_ignore_file_that_is_a_pipe_or_leads_out_is_an_error(directory: Path) -> None:
    os.mkfifo(directory / ".gaiaignore")
    with pytest.raises(ConfigurationError, match="regular file"):
        write(directory)
    (directory / ".gaiaignore").unlink()
    (directory / ".gaiaignore").symlink_to("/etc/hostname")

    with pytest.raises(ConfigurationError, match="it leads out of the directory"):
        write(directory)


def test_a_private_key_stays_out_of_a_file_that_is_large_or_of_another_encoding(directory: Path) -> None:
    (directory / "bundle.pem").write_text("Bag Attributes\n" + PRIVATE_KEY)
    (directory / "wide.txt").write_text(PRIVATE_KEY, encoding="utf-16")
    (directory / "large.bin").write_text(PRIVATE_KEY + "x" * 1_000_000)

    assert write(directory).left_out == ("bundle.pem", "large.bin", "wide.txt")


def test_a_key_of_a_service_account_stays_out_under_any_name_and_an_example_of_settings_goes_in(
    directory: Path,
) -> None:
    (directory / "robot.json").write_text('{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE\\n"}')
    (directory / ".env.example").write_text("TOKEN=\n")
    context = write(directory)

    assert context.left_out == ("robot.json",)
    assert ".env.example" in names(context)


def test_what_the_user_ignores_is_not_even_opened(directory: Path) -> None:
    (directory / ".gaiaignore").write_text("huge.bin\n")
    with (directory / "huge.bin").open("w") as huge:
        huge.truncate(2**43)

    assert "huge.bin" not in names(write(directory))


def test_a_file_that_claims_more_than_a_disk_is_refused_before_it_is_read(directory: Path) -> None:
    with (directory / "huge.bin").open("w") as huge:
        huge.truncate(2**40)

    with pytest.raises(ConfigurationError, match=r"holds more than 16 GiB, with huge\.bin"):
        write(directory)


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "../outside", "/etc"])
def test_every_link_that_leads_out_is_refused_by_its_name(directory: Path, target: str) -> None:
    (directory / "sub").mkdir()
    (directory / "sub/innocent.txt").symlink_to(target if target.startswith("/") else f"../{target}")

    with pytest.raises(ConfigurationError, match=r"sub/innocent\.txt is a symbolic link out of"):
        write(directory)


def test_a_link_through_a_link_that_leads_out_is_refused(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (directory / "one").symlink_to("two")
    (directory / "two").symlink_to(tmp_path_factory.mktemp("elsewhere"))

    with pytest.raises(ConfigurationError, match="one is a symbolic link out of"):
        write(directory)


def test_links_in_a_circle_stay_what_they_are(directory: Path) -> None:
    (directory / "one").symlink_to("two")
    (directory / "two").symlink_to("one")

    assert {"one", "two"} <= names(write(directory))


def test_a_file_that_becomes_a_link_out_before_it_is_read_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "change.txt").write_text("x")

    def open_later(root: str, path: str) -> BinaryIO:
        if path == "change.txt":
            (directory / path).unlink()
            (directory / path).symlink_to("/etc/hostname")
        return open_inside(root, path)

    monkeypatch.setattr(context_module, "open_inside", open_later)
    with pytest.raises(ConfigurationError, match=r"change\.txt: it leads out of the directory"):
        write(directory)


def test_a_file_that_shrinks_while_it_is_read_is_an_error_and_one_that_grows_is_cut(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "log.txt").write_text("x" * 300_000)

    def change(size: int) -> None:
        def sniff(head: bytes) -> bool:
            if head.startswith(b"xxxx"):
                os.truncate(directory / "log.txt", size)
            return False

        monkeypatch.setattr(context_module, "holds_private_key", sniff)

    change(400_000)
    assert len(content(write(directory), "function/log.txt")) == 300_000
    change(10)
    with pytest.raises(ConfigurationError, match="it changed while it was read"):
        write(directory)


def test_names_with_line_ends_and_bytes_that_are_no_text_go_in_and_are_told_in_one_line(directory: Path) -> None:
    for name in (b"line\nend.txt", b"\xff\xfe.bin", b"a\n::add-mask::x.env", b"\xff.key"):
        Path(os.fsdecode(os.fsencode(directory) + b"/" + name)).write_text("x")
    context = write(directory)

    assert {"line\nend.txt", os.fsdecode(b"\xff\xfe.bin")} <= names(context)
    assert context.left_out == ("a\\x0a::add-mask::x.env", "\\udcff.key")


def test_folders_in_folders_in_folders_are_walked(directory: Path) -> None:
    here = os.open(directory, os.O_RDONLY)
    for _level in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deep.txt", os.O_CREAT, dir_fd=here))
    os.close(here)

    try:
        assert f"{'d/' * 1100}deep.txt" in names(write(directory))
    finally:
        subprocess.run(["rm", "-r", directory / "d"], check=True)  # shutil.rmtree does not get that deep


def test_a_folder_that_cannot_be_listed_is_an_error(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "closed").mkdir()
    list_folder = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(ConfigurationError, match="closed: Permission denied"):
        write(directory)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements-dev.txt", "--index-url https://me:hidden@packages.example/simple\n"),
        ("requirements.txt", "# --index-url https://hidden@packages.example/simple\n"),
        ("pyproject.toml", "[[tool.uv.index]]\nurl = 'https://hidden@packages.example/simple'\n"),
        ("deep/Pipfile", "url = 'https://packages.example/simple?token=hidden'\n"),
        ("poetry.lock", "url = 'git+https://ghp_hidden0123456789@github.com/a/b'\n"),
    ],
)
def test_a_password_in_any_list_of_dependencies_is_refused_and_not_shown(directory: Path, name: str, text: str) -> None:
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text(text)

    with pytest.raises(ConfigurationError, match=f"{name} holds a password or a token") as refused:
        write(directory)
    assert "hidden" not in refused.value.message + refused.value.hint
