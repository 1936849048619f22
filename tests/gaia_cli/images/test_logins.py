import base64
import json
from pathlib import Path

import pytest

from gaia_cli.errors import MissingPartError
from gaia_cli.images.logins import Login, auth_config, config_problem, login_for

SECRET = "geheim-wort"
HOST = "reg.example:5000"


def encoded(user: str = "ada", password: str = SECRET) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Home:
    """A home directory with Docker's configuration and helpers, and the variables that lead to both."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {"HOME": str(directory), "PATH": f"{directory / 'bin'}:/usr/bin:/bin"}
        (directory / ".docker").mkdir()
        (directory / "bin").mkdir()

    def write(self, config: object) -> None:
        text = config if isinstance(config, str) else json.dumps(config)
        (self.directory / ".docker" / "config.json").write_text(text, encoding="utf-8")

    def helper(self, name: str, script: str) -> None:
        file = self.directory / "bin" / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def login(self, host: str = HOST) -> Login | None:
        return login_for(host, self.environ)

    def refusal(self, host: str = HOST) -> str:
        with pytest.raises(MissingPartError) as caught:
            self.login(host)
        assert caught.value.exit_code == 3
        shown = f"{caught.value.message} {caught.value.hint}"
        assert SECRET not in shown
        assert encoded() not in shown
        return shown


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_without_a_configuration_there_is_no_login(home: Home) -> None:
    assert home.login() is None


@pytest.mark.parametrize("key", [HOST, f"https://{HOST}", f"https://{HOST}/v1/", f"http://{HOST}/v2"])
def test_a_login_is_found_under_every_spelling_of_its_registry(home: Home, key: str) -> None:
    home.write({"auths": {"other.example": {"auth": encoded("eve")}, key: {"auth": encoded()}}})
    assert home.login() == Login("ada", SECRET)
    assert home.login("reg.example") is None


def test_a_login_of_docker_hub_is_found_under_its_old_address(home: Home) -> None:
    home.write({"auths": {"https://index.docker.io/v1/": {"auth": encoded()}}})
    assert home.login("docker.io") == Login("ada", SECRET)


def test_a_password_may_hold_colons_and_end_with_padding(home: Home) -> None:
    home.write({"auths": {HOST: {"auth": encoded(password="a:b\0\0")}}})
    assert home.login() == Login("ada", "a:b")


def test_an_identity_token_counts_before_a_password(home: Home) -> None:
    home.write({"auths": {HOST: {"auth": encoded("00000000-0000", ""), "identitytoken": SECRET}}})
    assert home.login() == Login(identity_token=SECRET)


def test_docker_config_names_another_directory(home: Home, tmp_path: Path) -> None:
    home.write({"auths": {HOST: {"auth": encoded("eve")}}})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text(json.dumps({"auths": {HOST: {"auth": encoded()}}}))
    home.environ["DOCKER_CONFIG"] = str(tmp_path / "other")
    assert home.login() == Login("ada", SECRET)


def test_a_helper_for_one_registry_counts_before_the_common_one(home: Home) -> None:
    home.write({"credsStore": "all", "credHelpers": {HOST: "one"}})
    home.helper("one", f'read host; echo "{{\\"Username\\": \\"$host\\", \\"Secret\\": \\"{SECRET}\\"}}"')
    home.helper("all", f'echo "{{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"{SECRET}\\"}}"')
    assert home.login() == Login(HOST, SECRET)
    assert home.login("docker.io") == Login(identity_token=SECRET)


def test_a_helper_without_a_login_leaves_it_to_the_file(home: Home) -> None:
    home.write({"credsStore": "all", "auths": {HOST: {"auth": encoded()}, "empty.example": {}}})
    home.helper("all", "echo 'credentials not found in native keychain'; exit 1")
    assert home.login() == Login("ada", SECRET)
    assert home.login("empty.example") is None
    home.helper("all", 'echo \'{"ServerURL": "", "Username": "", "Secret": ""}\'')
    assert home.login("empty.example") is None


def test_a_missing_helper_is_named_with_the_file_that_asks_for_it(home: Home) -> None:
    home.write({"credHelpers": {HOST: "cloud"}})
    said = home.refusal()
    assert "docker-credential-cloud" in said
    assert str(home.directory / ".docker" / "config.json") in said
    assert HOST in said
    assert home.login("other.example") is None


def test_a_helper_is_a_name_and_no_path(home: Home) -> None:
    home.helper("x", "echo '{}'")
    home.write({"credsStore": "../bin/docker-credential-x"})
    assert "not installed" in home.refusal()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"echo {SECRET}; echo 'run: cloud auth login' >&2; exit 2", "run: cloud auth login"),
        (f"echo {SECRET}", "no login"),
        (f"echo '[\"{SECRET}\"]'", "no login"),
        (f'echo \'{{"Secret": "{SECRET}"}}\'', "no login"),
    ],
)
def test_a_helper_that_fails_is_named_and_what_it_prints_is_not_shown(home: Home, script: str, said: str) -> None:
    home.write({"credsStore": "cloud"})
    home.helper("cloud", script)
    shown = home.refusal()
    assert said in shown
    assert "docker-credential-cloud" in shown


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "[" * 100_000, "\0"])
def test_a_configuration_that_is_none_is_named(home: Home, text: str) -> None:
    home.write(text)
    assert "config.json is no JSON object" in home.refusal()


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, ""),
        ({"auths": {HOST: {}}, "proxies": {"default": {"httpProxy": "http://proxy.example"}}}, ""),
        ({"auths": []}, "auths in {place} must be a JSON object"),
        ({"auths": {HOST: "ada"}}, f"auths.{HOST} in {{place}} must be a JSON object"),
        ({"auths": {HOST: {"auth": "%%%"}}}, f"the login for {HOST} in {{place}} cannot be read"),
        ({"proxies": {"default": 5}}, "proxies.default in {place} must be a JSON object"),
        ([], "{place} is no JSON object, so no login can be read there"),
    ],
)
def test_what_docker_would_not_have_written_is_named_with_its_place(home: Home, config: object, problem: str) -> None:
    home.write(config)

    assert config_problem(home.environ) == problem.format(place=home.directory / ".docker" / "config.json")


@pytest.mark.parametrize("auth", ["%%%", base64.b64encode(SECRET.encode()).decode(), "ZHXDpA", 7_000_000_007])
def test_a_login_that_cannot_be_read_is_not_shown(home: Home, auth: object) -> None:
    home.write({"auths": {HOST: {"auth": auth}}})
    said = home.refusal()
    assert f"docker login {HOST}" in said
    assert str(auth) not in said.replace(HOST, "")


@pytest.mark.parametrize("config", [{"auths": []}, {"auths": {HOST: []}}, {"credHelpers": 3}, {"auths": None}])
def test_what_has_another_form_holds_no_login(home: Home, config: object) -> None:
    home.write(config)
    assert home.login() is None


def test_a_login_shows_no_secret() -> None:
    assert SECRET not in repr(Login("ada", SECRET, SECRET))


def test_an_engine_is_told_user_and_password_or_a_token() -> None:
    assert auth_config(HOST, Login("ada", SECRET)) == {"serveraddress": HOST, "username": "ada", "password": SECRET}
    token = auth_config("docker.io", Login(identity_token=SECRET))
    assert token == {"serveraddress": "https://index.docker.io/v1/", "identitytoken": SECRET}
