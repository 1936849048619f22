"""A stand-in for python:X.Y-slim, made from this machine's Python and a few of its programs; no registry is needed.

The image holds the interpreter that runs this file with its standard library, the libraries that those need, a shell
with the usual tools, and this machine's certificates, so that pip in the image trusts what pip here trusts. It takes
two seconds and 90 MB. Run as a program it imports the image into the engine at a Unix socket: `base_image.py SOCKET
NAME`. Standard library only, no import of the project: it runs before any virtual environment exists.
"""

import http.client
import importlib.util
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PROGRAMS = (
    *(
        "sh",
        "bash",
        "ls",
        "cat",
        "cp",
        "mv",
        "rm",
        "mkdir",
        "chmod",
        "chown",
        "ln",
        "touch",
        "env",
        "id",
        "sleep",
        "true",
    ),
    *("false", "test", "head", "tail", "sort", "uname", "date", "sed", "grep", "find", "tar", "gzip", "ps", "ldconfig"),
)
CHANGES = (
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV LANG=C.UTF-8",
    'CMD ["python3"]',
)
"""What the imported image is configured with."""

_SKIPPED = {"site-packages", "dist-packages", "test", "idlelib", "tkinter", "lib2to3", "__pycache__", "turtledemo"}
_SKIPPED_BEGINNINGS = ("config-", "_tkinter")
_LOADED_LATE = (
    *("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"),
)
"""Libraries that no program here names: the C library loads the first ones itself, wheels need the others."""
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_BATCH = 64


def write_base_image(output: IO[bytes]) -> None:
    """Write the root file system as a tar to `output`.

    Raises:
        FileNotFoundError: this machine's Python has no ensurepip, so the image could not make environments.
    """
    if importlib.util.find_spec("ensurepip") is None:
        raise FileNotFoundError("this Python has no ensurepip: install python3-venv")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _make_skeleton(root)
        binaries = [*_copy_programs(root), *_copy_python(root)]
        for library in _libraries(binaries):
            _copy(library, root / _library_directory() / library.name)
        _write_configuration(root)
        with tarfile.open(fileobj=output, mode="w") as archive:
            archive.add(root, ".", filter=_owned_by_root)


def _make_skeleton(root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("usr/local/bin", "usr/local/lib", "etc/ssl/certs", "proc", "sys", "dev", "run", "root", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(0o1777)


def _copy_programs(root: Path) -> Iterator[Path]:
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    for name in PROGRAMS:
        if found := shutil.which(name, path=search):
            source = Path(found).resolve()
            _copy(source, root / "usr/bin" / name)
            yield source


def _copy_python(root: Path) -> Iterator[Path]:
    """The interpreter and its library; a distribution's own Python keeps its place, any other goes to /usr/local."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = root / ("usr" if sys.base_prefix == "/usr" else "usr/local")
    binary = Path(sys.base_prefix, "bin", version).resolve()
    _copy(binary, home / "bin" / version)
    for link in (home / "bin/python3", home / "bin/python"):
        link.symlink_to(version)
    library = Path(os.__file__).parent
    shutil.copytree(library, home / "lib" / version, ignore=_unwanted, symlinks=False)
    wheels = Path("/usr/share/python-wheels")  # where Debian's ensurepip keeps pip
    if sys.base_prefix == "/usr" and wheels.is_dir():
        shutil.copytree(wheels, root / "usr/share/python-wheels")
    if sys.base_prefix != "/usr":
        _unpack_pip(home / "lib" / version)
    yield binary
    yield from library.rglob("lib-dynload/*.so")


def _unwanted(_directory: str, names: list[str]) -> set[str]:
    return {name for name in names if name in _SKIPPED or name.startswith(_SKIPPED_BEGINNINGS)}


def _unpack_pip(library: Path) -> None:
    """Pip as in the official image, from the wheels that ensurepip has."""
    packages = library / "site-packages"
    packages.mkdir()
    for wheel in (library / "ensurepip/_bundled").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)  # noqa: S202 -- wheels that ship with Python
    pip = library.parent.parent / "bin/pip"
    pip.write_text("#!/usr/local/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n")
    pip.chmod(0o755)


def _libraries(binaries: list[Path]) -> set[Path]:
    """Every shared library that `binaries` load, and those that the C library loads later by name."""
    found: set[Path] = set()
    for begin in range(0, len(binaries), _BATCH):
        listing = subprocess.run(
            ["ldd", *map(str, binaries[begin : begin + _BATCH])], capture_output=True, text=True, check=False
        ).stdout  # the exit code says only that some file is static
        found |= {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listing, re.MULTILINE)}
    c_library = next(path for path in found if path.name.startswith("libc.so"))
    late = (c_library.parent / name for name in _LOADED_LATE)
    return found | {path for path in late if path.exists()}


def _library_directory() -> str:
    return f"usr/lib/{os.uname().machine}-linux-gnu"


def _write_configuration(root: Path) -> None:
    loader = next((root / _library_directory()).glob("ld-linux*"))
    place = "lib64" if os.uname().machine == "x86_64" else "lib"
    (root / "usr" / place / loader.name).symlink_to(f"/{_library_directory()}/{loader.name}")
    etc = root / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "os-release").write_text('NAME="Stand-in for python:slim"\nID=debian\n')
    if Path(_CERTIFICATES).exists():
        _copy(Path(_CERTIFICATES), root / _CERTIFICATES.lstrip("/"))
        (etc / "pip.conf").write_text(f"[global]\ncert = {_CERTIFICATES}\n")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _import(socket_path: str, name: str) -> None:
    """Import the image as `name` into the engine at `socket_path`, unless it has one of that name."""
    content = io.BytesIO()
    if _ask(socket_path, "GET", f"/images/{urllib.parse.quote(name, safe='/:')}/json") == 200:
        return
    write_base_image(content)
    repository, _, tag = name.partition(":")
    query = urllib.parse.urlencode(
        [("fromSrc", "-"), ("repo", repository), ("tag", tag), *(("changes", change) for change in CHANGES)]
    )
    status = _ask(socket_path, "POST", f"/images/create?{query}", content.getvalue())
    if status != 200:
        sys.exit(f"base image: the engine answered {status}")


def _ask(socket_path: str, method: str, target: str, body: bytes = b"") -> int:
    connection = http.client.HTTPConnection("engine", timeout=120)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(socket_path)
    connection.request(method, target, body, {"Content-Type": "application/x-tar"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: base_image.py SOCKET NAME")
    _import(sys.argv[1], sys.argv[2])
