"""Which files a kubeconfig is made of, and what they are together."""

from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError, ExitCode, GaiaError
from gaia_cli.targets.kubeconfig.access import access_of
from gaia_cli.targets.kubeconfig.files import find, load

CLUSTER = "clusters: [{name: c, cluster: {server: 'https://one.test'}}]\n"
USER = "users: [{name: u, user: {token: secret-token}}]\n"
CONTEXT = "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_first_file_to_say_something_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "1", CLUSTER + "current-context: x\n")
    second = write(tmp_path / "2", "clusters: [{name: c, cluster: {server: 'https://two.test'}}]\n" + USER + CONTEXT)

    access = access_of({"KUBECONFIG": f"{first}:{second}"})

    assert (access.server, access.context, access.user, access.namespace) == ("https://one.test", "x", "u", "default")


def test_an_entry_is_of_one_file_as_a_whole(tmp_path: Path) -> None:
    first = write(tmp_path / "1", "users: [{name: u, user: {username: a, password: b}}]\n" + CONTEXT)
    second = write(tmp_path / "2", CLUSTER + USER)

    merged = load((str(first), str(second)))

    assert set(merged.users["u"].values) == {"username", "password"}


def test_a_file_that_is_named_twice_counts_once_and_empty_ones_for_nothing(tmp_path: Path) -> None:
    one, empty = write(tmp_path / "1", CLUSTER + USER + CONTEXT), write(tmp_path / "2", "")

    listed = f"::{one}:{empty}:{one}:{tmp_path / 'absent'}"

    assert find({"KUBECONFIG": listed}) == (str(one), str(empty))
    assert access_of({"KUBECONFIG": listed}).context == "x"


def test_an_empty_variable_leaves_the_file_of_the_home_directory(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", CLUSTER + USER + CONTEXT)

    assert access_of({"KUBECONFIG": "", "HOME": str(tmp_path)}).server == "https://one.test"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters: [", "config:1 is no YAML"),
        ("a: 1\n\tb: 2\n", "config:2 is no YAML"),
        ("users:\n- name: u\n  user:\n    token: a\n    token: b\n", "config:5 is no YAML: token stands twice"),
        ("[]", "is no kubeconfig"),
        ("just words", "is no kubeconfig"),
        ("kind: Secret", "its kind is Secret"),
        ("clusters: {name: c}", "must be a list"),
        ("users: [{user: {}}]", "must have a name and a user"),
        ("users: [{name: u}, {name: u}]", "user u stands twice"),
        ("current-context: 7", "must be a text"),
        ("--- {}\n--- {}\n", "is no YAML"),
        ("a: &a [*a]", ""),
        ("[" * 5000, "is no YAML"),
        ("\ud800", "not encoded in UTF-8"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigurationError) as raised:
        access_of({}, kubeconfig=path)

    assert words in raised.value.message
    assert raised.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CLUSTER + USER, "has no current-context"),
        (CLUSTER + USER + "current-context: y\n", "there is no context y"),
        (USER + CONTEXT, "names the cluster c, which no kubeconfig has"),
        (CLUSTER + CONTEXT, "names the user u, which no kubeconfig has"),
        (CLUSTER + "contexts: [{name: x, context: {user: u}}]\ncurrent-context: x\n", "names no cluster"),
        (CLUSTER + "contexts: [{name: x, context: {cluster: c, namespace: 7}}]\ncurrent-context: x\n", "a text"),
    ],
)
def test_what_does_not_lead_to_a_cluster_says_where_it_ends(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        access_of({}, kubeconfig=write(tmp_path / "config", text))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "clusters: 3\n", "kind: Pod\n", "users: [{name: 7}]\n", "foo: [",
        USER + CONTEXT,
        CLUSTER + CONTEXT.replace("user: u", "user: u, namespace: A B") + USER,
        CLUSTER.replace("server:", "certificate-authority: /absent/ca, server:") + USER + CONTEXT,
        CLUSTER + USER.replace("token: secret-token", "tokenFile: /absent/token") + CONTEXT,
        CLUSTER + USER.replace("{token: secret-token}", "{exec: 3}") + CONTEXT,
    ],
)  # fmt: skip
def test_whatever_is_wrong_with_a_kubeconfig_is_said_with_the_file_and_what_to_do(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "config", text)

    with pytest.raises(ConfigurationError) as raised:
        access_of({}, kubeconfig=file)
    assert str(file) in raised.value.message
    assert raised.value.hint
    assert "secret-token" not in raised.value.message


def test_the_proxy_is_named_without_its_password(tmp_path: Path) -> None:
    file = write(tmp_path / "config", CLUSTER + USER + CONTEXT)

    access = access_of({"HTTPS_PROXY": "http://ada:hidden@proxy.test:3128"}, kubeconfig=file)

    assert access.proxy == "http://proxy.test:3128"


def test_a_directory_and_a_file_without_rights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        access_of({}, kubeconfig=tmp_path)


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigurationError, match="larger than 4096 KiB"):
        access_of({}, kubeconfig=Path("/dev/zero"))


def test_without_any_file_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(GaiaError, match="there is no kubeconfig") as raised:
        access_of({"HOME": str(tmp_path)})
    assert raised.value.exit_code == ExitCode.ENGINE


def test_a_pod_acts_as_itself_only_where_no_kubeconfig_is_meant(tmp_path: Path) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}

    for asked in ({"context": "prod"}, {"kubeconfig": tmp_path / "absent"}):
        with pytest.raises(GaiaError):
            access_of(pod, **asked)
    with pytest.raises(GaiaError, match="absent"):
        access_of(pod | {"KUBECONFIG": str(tmp_path / "absent")})


def test_a_token_is_in_no_text_of_what_was_read(tmp_path: Path) -> None:
    access = access_of({}, kubeconfig=write(tmp_path / "config", CLUSTER + USER + CONTEXT))

    assert "secret-token" not in repr(access)
