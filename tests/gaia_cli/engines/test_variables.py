import sys
from pathlib import Path

import pytest

from analyzers.lean.tables import words
from gaia_cli.engines.variables import clean_environ, handed_over, pip_environ
from gaia_cli.errors import UsageError

SECRETS = sorted(
    words(
        "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN GITHUB_TOKEN GH_TOKEN HF_TOKEN OPENAI_API_KEY "
        "ANTHROPIC_API_KEY DATABASE_URL PGPASSWORD NPM_TOKEN KUBECONFIG GOOGLE_APPLICATION_CREDENTIALS CI_JOB_TOKEN "
        "AZURE_CLIENT_SECRET TF_VAR_password DOCKER_AUTH_CONFIG PYTHON_KEYRING_TOKEN JAX_API_KEY MINE GAIA_ADMIN_TOKEN"
    )
)


def test_gaias_own_settings_and_python_do_not_reach_a_function() -> None:
    own = str(Path(sys.prefix, "bin"))
    environ = {
        "HOME": "/home/me",
        "PATH": f"{own}:/usr/bin",
        "GAIA_ADMIN_TOKEN": "secret",
        "PYTHONPATH": "/somewhere",
        "VIRTUAL_ENV": sys.prefix,
    }

    assert clean_environ(environ) == {"HOME": "/home/me", "PATH": "/usr/bin"}


@pytest.mark.parametrize("name", SECRETS)
def test_what_a_user_has_in_the_environment_reaches_neither_a_function_nor_pip(name: str) -> None:
    assert clean_environ({name: "secret"}) == {}
    assert pip_environ({name: "secret"}) == {}


@pytest.mark.parametrize("name", ["LANG", "LC_ALL", "TZ", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "OMP_NUM_THREADS"])
def test_what_libraries_need_reaches_both(name: str) -> None:
    assert clean_environ({name: "1"}) == pip_environ({name: "1"}) == {name: "1"}


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "SSH_AUTH_SOCK", "CC", "CMAKE_ARGS", "VIRTUALENV_DOWNLOAD"])
def test_what_pip_and_compilers_need_reaches_them_alone(name: str) -> None:
    assert pip_environ({name: "1"}) == {name: "1"}
    assert clean_environ({name: "1"}) == {}


def test_a_proxy_reaches_a_function_without_its_password_or_not_at_all() -> None:
    environ = {"https_proxy": "http://me:secret@proxy:3128", "http_proxy": "http://proxy:3128"}

    assert clean_environ(environ) == {"http_proxy": "http://proxy:3128"}
    assert pip_environ(environ) == environ


def test_variables_are_handed_over_by_name_and_by_value() -> None:
    assert handed_over(["A", "B=2", "C="], {"A": "1", "B": "1"}) == {"A": "1", "B": "2", "C": ""}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ABSENT", "ABSENT is not set here"),
        ("=1", "'' is not the name"),
        ("a b", "not the name"),
        ("GAIA_PORT=1", "own"),
    ],
)
def test_what_cannot_be_handed_over_is_reported(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        handed_over([given], {})
