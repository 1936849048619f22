import time

import pytest

from analyzers.lean.tables import words
from gaia_cli.images.credentials import holds_credentials, is_dependency_list, list_holds_credentials

SECRET = """
git+https://ghp_0123456789abcdef@github.com/acme/private.git
git+https://x-access-token:secret@github.com/acme/private.git
git+https://secret:x-oauth-basic@github.com/acme/private.git
git+ssh://git:secret@github.com/acme/private.git
--extra-index-url https://pypi-AgEsecret@packages.example/simple
--extra-index-url=https://secret@packages.example/simple
--index-url https://me:secret@packages.example/simple
-ihttps://me:secret@packages.example/simple
-f https://me:secret@packages.example/wheels
https://me:p$secret@packages.example/x.whl
https://me:$SECRET@packages.example/x.whl
https://${ME}:secret@packages.example/x.whl
https://${ME}secret@packages.example/x.whl
https://secret:${EMPTY}@packages.example/x.whl
https://:secret@packages.example/x.whl
HTTPS://SECRET@packages.example/x.whl
x @ https://secret@packages.example/x.whl
-e git+https://secret@github.com/acme/private.git#egg=x
https://packages.example/x.whl?token=secret
https://packages.example/x.whl?a=1&access_token=secret
https://packages.example/x.whl?sv=1&sig=secret
https://packages.example/x.whl?X-Amz-Signature=secret&a=1
https://packages.example/x.whl?private_token=${TOKEN}secret
https://dl.packages.example/glpat-0123456789abcdefXYZ/simple
x --config-settings=token=ghp_0123456789abcdef
""".strip().splitlines()

OPEN = """
numpy>=2
git+https://github.com/acme/open.git@v1#egg=x&subdirectory=y
git+ssh://git@github.com/acme/private.git@main
git+https://${TOKEN}@github.com/acme/private.git
git+https://oauth2:${TOKEN}@gitlab.com/acme/private.git@v1
--index-url https://${ME}:${PASSWORD}@packages.example/simple
--index-url https://__token__:${TOKEN}@packages.example:8443/simple
--trusted-host packages.example
https://packages.example:8080/x.whl?download=1#sha256=0123
https://packages.example/x.whl?token=${TOKEN}
https://[::1]:8080/simple
x @ file:///wheels/x.whl
x @ file:wheels/x.whl
-e ./package[a@b]
""".strip().splitlines()


@pytest.mark.parametrize("line", SECRET)
def test_a_password_or_a_token_in_a_requirement_is_found(line: str) -> None:
    assert holds_credentials(line)
    assert list_holds_credentials(f"[project]\ndependencies = ['{line}']\n")


@pytest.mark.parametrize(
    "line",
    [
        "https://m e:secret@packages.example",
        "https:// secret@p",
        "https://me:sec/ret@packages.example/x",
        "https://me:sec#ret@p",
        "https://me:sec?ret@p",
    ],
)
def test_a_password_in_an_address_that_is_torn_or_ends_early_is_found(line: str) -> None:
    assert holds_credentials(line)


def test_a_password_is_found_across_joined_lines() -> None:
    assert list_holds_credentials("--index-url https://me:sec\\\nret@packages.example/simple\n")


@pytest.mark.parametrize("line", OPEN)
def test_variables_public_users_and_plain_urls_pass(line: str) -> None:
    assert not holds_credentials(line)
    assert not list_holds_credentials(line)


@pytest.mark.parametrize(
    "name",
    sorted(
        words("""
            requirements.txt requirements-gpu.txt deep/dev-requirements.in constraints.txt pyproject.toml
            setup.cfg setup.py Pipfile Pipfile.lock poetry.lock uv.lock uv.toml environment.yml conda-env.yaml
            cog.yaml Dockerfile
        """)
    ),
)
def test_files_that_say_where_dependencies_come_from_are_known(name: str) -> None:
    assert is_dependency_list(name)


@pytest.mark.parametrize("name", ["func.py", "README.md", "data.txt", "requirements.md", "pyproject.py"])
def test_other_files_are_none(name: str) -> None:
    assert not is_dependency_list(name)


@pytest.mark.parametrize("piece", ["?token", "://", "://a:", "ghp_", "&a=", "https://a?b=${", "\\\n", "a@"])
def test_no_list_takes_long_to_search(piece: str) -> None:
    started = time.process_time()
    list_holds_credentials(piece * (1024 * 1024 // len(piece)))

    assert time.process_time() - started < 2
