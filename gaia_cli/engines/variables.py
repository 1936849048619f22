"""Which environment variables a function and pip may see: what programs need to run, and what the user hands over.

Whoever runs a function here has tokens of all kinds in the environment. A function gets those that are named for it by
`--env`, as a container does; the rest is chosen by what is needed, not by what looks secret.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from analyzers.lean.tables import words
from gaia_cli.errors import UsageError

_NEEDED = words(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM HOSTNAME LD_LIBRARY_PATH LD_PRELOAD GLIBC_TUNABLES "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY "
    "XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR HF_HOME HF_HUB_CACHE HF_HUB_OFFLINE HF_ENDPOINT "
    "TORCH_HOME TRANSFORMERS_CACHE TRANSFORMERS_OFFLINE TRITON_CACHE_DIR NLTK_DATA MPLCONFIGDIR MPLBACKEND XLA_FLAGS"
)
_NEEDED_FAMILIES = (
    *("LC_", "PYTHON", "CUDA_", "NVIDIA_", "NCCL_", "CUBLAS_", "CUDNN_", "CUPY_", "OMP_", "MKL_", "KMP_", "OPENBLAS_"),
    *("NUMEXPR_", "NUMBA_", "PYTORCH_", "TORCH_", "TF_CPP_", "TF_FORCE_", "JAX_", "XLA_PYTHON_", "MALLOC_"),
)
_FOR_PIP = words(
    "SSH_AUTH_SOCK GIT_SSH GIT_SSH_COMMAND GIT_SSL_CAINFO GIT_SSL_CAPATH DBUS_SESSION_BUS_ADDRESS XDG_CONFIG_DIRS "
    "NETRC CC CXX CPP FC LD AR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS FFLAGS MAKEFLAGS MAX_JOBS RUSTFLAGS CARGO_HOME "
    "RUSTUP_HOME JAVA_HOME LIBRARY_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH PKG_CONFIG_PATH SOURCE_DATE_EPOCH"
)
_FOR_PIP_FAMILIES = ("PIP_", "VIRTUALENV_", "CMAKE_")
_OF_GAIAS_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONSTARTUP")
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|APIKEY|_KEY$|_AUTH$")
_PASSWORD = re.compile(r"://[^/\s@]*@")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environ` a function may see unasked: nothing of Gaia's, no secrets, what libraries need."""
    kept = {
        name: value
        for name, value in environ.items()
        if _is_one(name, _NEEDED, _NEEDED_FAMILIES) and not _PASSWORD.search(value)
    }
    return _without_own_python(kept)


def pip_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environ` pip may see unasked: also its own settings, proxies with passwords, and compilers'."""
    names, families = _NEEDED | _FOR_PIP, (*_NEEDED_FAMILIES, *_FOR_PIP_FAMILIES)
    return _without_own_python({name: value for name, value in environ.items() if _is_one(name, names, families)})


def handed_over(given: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the user hands over by `--env NAME` and `--env NAME=VALUE`.

    Raises:
        UsageError: a name is none, is one of Gaia's own, or stands for a variable that is not set.
    """
    variables = {}
    for one in given:
        name, states_value, value = one.partition("=")
        if not _NAME.fullmatch(name):
            raise UsageError(f"--env: {name!r} is not the name of a variable", "write --env NAME, or --env NAME=VALUE")
        if name.startswith("GAIA_"):
            raise UsageError(f"--env: {name} is one of Gaia's own variables", "use the flag or gaia.toml instead")
        if not states_value and name not in environ:
            raise UsageError(f"--env: {name} is not set here", f"set it, or write --env {name}=VALUE")
        variables[name] = value if states_value else environ[name]
    return variables


def _is_one(name: str, names: frozenset[str], families: tuple[str, ...]) -> bool:
    if name.upper() in names:
        return True
    of_family = name.startswith(families) and name not in _OF_GAIAS_PYTHON
    return of_family and (name.startswith("PIP_") or not _SECRET.search(name))


def _without_own_python(environ: dict[str, str]) -> dict[str, str]:
    """Take the environment that Gaia itself runs in off the search path."""
    if sys.prefix != sys.base_prefix and "PATH" in environ:
        own = str(Path(sys.prefix, "bin"))
        environ["PATH"] = os.pathsep.join(place for place in environ["PATH"].split(os.pathsep) if place != own)
    return environ
