"""Kubeconfigs of every kind against a real API server: what works for kubectl works for `gaia`, and nothing else."""

import base64
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from runtime_images.cluster.kinds import SERVICE_ACCOUNT
from tests.cluster.conftest import Gaia
from tests.support.control_plane import people
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object, parts
from tests.support.cutting_proxy import CuttingProxy

Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(gaia: Gaia, tmp_path: Path) -> Doctor:
    """`doctor(*options, KUBECONFIG=...)` looks at the cluster; returns the exit code and all that was written."""
    (tmp_path / "elsewhere").mkdir()

    def run(*options: str, cwd: Path | None = None, **env: str) -> tuple[int, str]:
        done = gaia("doctor", *options, cwd=cwd or tmp_path / "elsewhere", env=env)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def config(path: Path, cluster: Object | None = None, user: Object | None = None, **more: object) -> Path:
    """Write a kubeconfig whose parts are all called `main`."""
    said: Object = {"apiVersion": "v1", "kind": "Config", **more}
    if cluster is not None:
        said["clusters"] = [{"name": "main", "cluster": cluster}]
    if user is not None:
        said["users"] = [{"name": "main", "user": user}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(said))
    return path


def context(namespace: str, name: str = "main") -> Object:
    return {"name": name, "context": {"cluster": "main", "user": "main", "namespace": namespace}}


@pytest.fixture
def whole(admin_kubeconfig: Path, namespace: str, tmp_path: Path) -> Callable[..., Path]:
    """`whole(user=..., cluster=...)` is a kubeconfig in one file, with the administrator's where nothing is said."""
    user = parts(admin_kubeconfig)[1]

    def make(*, user: Object = user, cluster: Object | None = None) -> Path:
        mine = {"current-context": "main", "contexts": [context(namespace)]}
        return config(
            tmp_path / "config" / "kubeconfig", {**parts(admin_kubeconfig)[0], **(cluster or {})}, user, **mine
        )

    return make


@pytest.fixture
def token(objects: Objects) -> str:
    """A token of an account that may only look at itself."""
    return people.token(objects, "default") if objects.until(SERVICE_ACCOUNT, "default", bool) else ""


def program(path: Path, code: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, base64, pathlib\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def plugin(tmp_path: Path, status: Object, version: str = "v1", **more: object) -> Object:
    """Return a user whose plugin answers with `status`, and notes each run with what it was asked."""
    group = "client.authentication.k8s.io"
    program(
        tmp_path / "config" / "bin" / "login",
        f"""
asked = os.environ["KUBERNETES_EXEC_INFO"]
with open({str(tmp_path / "runs")!r}, "a") as runs:
    runs.write(asked + "\\n")
print(json.dumps({{"apiVersion": "{group}/{version}", "kind": "ExecCredential", "status": {status!r}}}))
""",
    )
    said = {"apiVersion": f"{group}/{version}", "command": "./bin/login", "interactiveMode": "Never"}
    return {"exec": said | {"provideClusterInfo": True} | more}


def runs(tmp_path: Path) -> list[Object]:
    return [json.loads(line) for line in (tmp_path / "runs").read_text().splitlines()]


# several files


def test_several_files_are_merged_as_kubectl_merges_them(
    doctor: Doctor, admin_kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    cluster, user = parts(admin_kubeconfig)
    ca = Path(cluster["certificate-authority"]).read_text()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "ca.crt").write_text(ca)
    current: Object = {"current-context": "main"}
    first = config(tmp_path / "one" / "config", cluster | {"certificate-authority": "ca.crt"}, **current)
    (tmp_path / "two" / "token").write_text(user["token"])
    wrong: Object = {"current-context": "wrong", "contexts": [context(namespace), context("kube-system", "other")]}
    second = config(tmp_path / "two" / "config", {"server": "https://wrong"}, {"tokenFile": "token"}, **wrong)
    listed = f":{first}:{tmp_path / 'absent'}::{second}:"

    code, shown = doctor("--context", "main", KUBECONFIG=listed)
    assert code == 0, shown
    assert f"namespace {namespace}" in shown

    code, shown = doctor("-n", namespace, KUBECONFIG=listed)
    assert code == 0, shown

    code, shown = doctor("--context", "other", KUBECONFIG=listed)
    assert code == 0, shown
    assert "namespace kube-system" in shown


@pytest.mark.parametrize("listed", ["absent", "absent:gone", ":absent:"])
def test_files_of_which_none_is_there_are_all_listed(doctor: Doctor, listed: str, namespace: str) -> None:
    code, shown = doctor("-n", namespace, KUBECONFIG=listed)

    assert code == 3
    assert all(name in shown for name in listed.strip(":").split(":"))


def test_the_file_of_the_flag_is_the_only_one(doctor: Doctor, whole: Callable[..., Path], tmp_path: Path) -> None:
    assert doctor("--kubeconfig", str(whole()), KUBECONFIG="absent")[0] == 0
    code, shown = doctor("--kubeconfig", str(tmp_path / "absent"), KUBECONFIG=str(whole()))
    assert code == 3
    assert "--kubeconfig names" in shown


def test_an_unknown_context_names_those_there_are(doctor: Doctor, whole: Callable[..., Path]) -> None:
    code, shown = doctor("--context", "prod", KUBECONFIG=str(whole()))

    assert code == 2
    assert "no context prod" in shown
    assert "there are: main" in shown


# plugins


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plugin_of_either_version_hands_out_a_token(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path, tmp_path: Path, version: str
) -> None:
    secret = parts(admin_kubeconfig)[1]["token"]

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=plugin(tmp_path, {"token": secret}, version))))

    assert code == 0, shown
    assert secret not in shown
    asked = runs(tmp_path)
    assert len(asked) == 1
    said = asked[0]["spec"]
    assert said["interactive"] is False
    assert said["cluster"]["server"] == parts(admin_kubeconfig)[0]["server"]
    assert base64.b64decode(said["cluster"]["certificate-authority-data"]).startswith(b"-----BEGIN CERTIFICATE")


def test_a_plugin_hands_out_a_certificate(
    doctor: Doctor, whole: Callable[..., Path], shared_plane: Plane | None, namespace: str, tmp_path: Path
) -> None:
    if shared_plane is None:
        pytest.skip("a certificate is made with the plane's own authority")
    made = people.with_certificate(shared_plane.layout, "anna", "system:masters", namespace, tmp_path / "made")
    user = parts(made)[1]
    status = {
        "clientCertificateData": Path(user["client-certificate"]).read_text(),
        "clientKeyData": Path(user["client-key"]).read_text(),
    }

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=plugin(tmp_path, status))))

    assert code == 0, shown
    assert "PRIVATE KEY" not in shown


def test_a_refused_token_makes_the_plugin_run_once_more_and_no_oftener(
    doctor: Doctor, whole: Callable[..., Path], tmp_path: Path
) -> None:
    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=plugin(tmp_path, {"token": "wrong-token"}))))

    assert code == 4
    assert "does not take the credentials" in shown
    assert "wrong-token" not in shown
    assert len(runs(tmp_path)) == 2


def test_a_token_that_was_born_expired_is_used_until_it_is_refused(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path, tmp_path: Path
) -> None:
    status = {"token": parts(admin_kubeconfig)[1]["token"], "expirationTimestamp": "2001-01-01T00:00:00Z"}

    assert doctor("--context", "main", KUBECONFIG=str(whole(user=plugin(tmp_path, status))))[0] == 0
    assert len(runs(tmp_path)) == 1


FAILING = 'sys.stderr.write("your session has ended, token: abcdef123456\\n"); print("{}"); sys.exit(1)'


def test_a_plugin_that_fails_is_quoted_without_its_secrets(
    doctor: Doctor, whole: Callable[..., Path], tmp_path: Path
) -> None:
    user = plugin(tmp_path, {})
    program(tmp_path / "config" / "bin" / "login", FAILING)

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    assert code == 4
    assert "ended with 1: your session has ended" in shown
    assert "abcdef123456" not in shown


def test_a_plugin_that_is_not_installed_gives_its_hint(doctor: Doctor, whole: Callable[..., Path]) -> None:
    said = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "no-such-login",
        "interactiveMode": "Never",
        "installHint": "get it from example.test",
    }

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user={"exec": said})))

    assert code == 3
    assert "no-such-login" in shown
    assert "get it from example.test" in shown


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("nothing", "answered no ExecCredential"),
        ('{"apiVersion": "client.authentication.k8s.io/v1beta1", "status": {"token": "x"}}', "in API version"),
        ('{"apiVersion": "client.authentication.k8s.io/v1", "status": {}}', "neither a token nor a certificate"),
        ('{"apiVersion": "client.authentication.k8s.io/v1", "status": {"clientKeyData": "x"}}', "half a certificate"),
        ("[]", "answered no ExecCredential"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_never_quoted(
    doctor: Doctor, whole: Callable[..., Path], tmp_path: Path, out: str, words: str
) -> None:
    user = plugin(tmp_path, {})
    program(tmp_path / "config" / "bin" / "login", f"print({out!r})")

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    assert code == 4
    assert words in shown


def test_a_plugin_that_leaves_a_child_behind_holds_nothing_up(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path, tmp_path: Path
) -> None:
    user = plugin(tmp_path, {"token": parts(admin_kubeconfig)[1]["token"]})
    login = tmp_path / "config" / "bin" / "login"
    child = tmp_path / "child"
    login.write_text(
        login.read_text()
        + f"""
sys.stdout.flush()
if os.fork() == 0:
    pathlib.Path({str(child)!r}).write_text(str(os.getpid()))
    import time
    time.sleep(30)
"""
    )

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    os.kill(int(child.read_text()), 9)
    assert code == 0, shown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "API version"),
        ({"interactiveMode": None}, "needs an interactiveMode"),
        ({"command": ""}, "names no command"),
        ({"command": 7}, "must be a text"),
        ({"env": ["A=1"]}, "list of name and value"),
        ({"newKey": True}, "does not understand"),
    ],
)
def test_a_plugin_that_is_said_wrongly_is_a_mistake_in_the_file(
    doctor: Doctor, whole: Callable[..., Path], tmp_path: Path, change: Object, words: str
) -> None:
    user = plugin(tmp_path, {}, **change)

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    assert (code, words in shown) == (2, True), shown


# who asks


def test_acting_as_somebody_gives_no_more_than_their_rights(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path
) -> None:
    user = parts(admin_kubeconfig)[1] | {"as": "jane", "as-groups": ["dev", "ops"], "as-user-extra": {"a/b": ["c"]}}

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    assert code == 4
    assert "as main as jane" in shown
    assert "may not get/list/create" in shown


def test_acting_as_a_group_gives_its_rights(doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path) -> None:
    user = parts(admin_kubeconfig)[1] | {"as": "jane", "as-groups": ["dev", "system:masters"]}

    assert doctor("--context", "main", KUBECONFIG=str(whole(user=user)))[0] == 0


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
        ({"as-groups": ["system:masters"]}, "not as whom"),
        ({"as": "a\nb"}, "invisible"),
        ({"asGroups": ["x"]}, "does not understand"),
        ({"token": 12345678}, "must be a text"),
        ({"client-certificate-data": "AAAA"}, "no client-key"),
        ({"client-certificate-data": "AAAA", "client-key-data": "AAAA"}, "certificate and key cannot be used"),
        ({"client-certificate": "absent.crt", "client-key": "absent.key"}, "absent.crt"),
        ({"username": "a", "password": "b", "token": "c"}, "both a token and a username"),
        ({"tokenFile": "absent"}, ""),
    ],
)
def test_what_is_not_understood_of_a_user_is_refused(
    doctor: Doctor, whole: Callable[..., Path], user: Object, words: str
) -> None:
    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(user=user)))

    assert code in (2, 4)
    assert code == 2 or "tokenFile" in user
    assert words in shown


def test_a_token_file_counts_from_its_kubeconfig(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path, tmp_path: Path
) -> None:
    path = whole(user={"tokenFile": "secret/token"})
    (tmp_path / "config" / "secret").mkdir()
    (tmp_path / "config" / "secret" / "token").write_text(parts(admin_kubeconfig)[1]["token"] + "\n")

    assert doctor("--context", "main", KUBECONFIG=str(path))[0] == 0


# which server


def test_a_server_by_another_name_is_proven_by_the_name_that_is_said(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path
) -> None:
    host, port = address(admin_kubeconfig)
    with CuttingProxy(host, port) as proxy:
        elsewhere = {"server": f"https://localhost:{proxy.port}", "tls-server-name": "kubernetes.default.svc.none"}
        code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=elsewhere)))
        assert (code, "not one that the kubeconfig trusts" in shown) == (4, True), shown

        elsewhere["tls-server-name"] = host
        code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=elsewhere)))
        assert code == 0, shown


def test_a_certificate_of_somebody_else_is_not_trusted_unless_that_is_said(
    doctor: Doctor, whole: Callable[..., Path]
) -> None:
    own = {"certificate-authority": None}
    assert doctor("--context", "main", KUBECONFIG=str(whole(cluster=own)))[0] == 4
    own["insecure-skip-tls-verify"] = True  # type: ignore[assignment] # both stand in one table
    assert doctor("--context", "main", KUBECONFIG=str(whole(cluster=own)))[0] == 0


def test_requests_go_through_the_proxy_that_is_said(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path
) -> None:
    host, port = address(admin_kubeconfig)
    with CuttingProxy(host, port, connect=True) as proxy:
        said = {"proxy-url": f"http://127.0.0.1:{proxy.port}"}
        code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=said)))
        assert code == 0, shown
        assert set(proxy.asked) == {f"{host}:{port}"}

        proxy.asked.clear()
        through = f"http://127.0.0.1:{proxy.port}"
        assert doctor("--context", "main", KUBECONFIG=str(whole()), HTTPS_PROXY=through)[0] == 0
        assert proxy.asked
        proxy.asked.clear()
        around = {"HTTPS_PROXY": through, "NO_PROXY": "example.test,10.251.0.0/16"}
        assert doctor("--context", "main", KUBECONFIG=str(whole()), **around)[0] == 0
        assert not proxy.asked


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"server": ""}, "no address of an API server"),
        ({"server": "https://host:port"}, "no address"),
        ({"server": "ftp://host"}, "no address"),
        ({"insecure-skip-tls-verify": True}, "both certificate-authority and"),
        ({"insecure-skip-tls-verify": "yes"}, "true or false"),
        ({"certificate-authority-data": "not base64!"}, "not base64"),
        ({"certificate-authority": "absent.crt"}, "absent.crt"),
        ({"proxy-url": "ftp://x"}, "no address of a proxy"),
        ({"tls_server_name": "x"}, "does not understand"),
    ],
)
def test_what_is_not_understood_of_a_cluster_is_refused(
    doctor: Doctor, whole: Callable[..., Path], cluster: Object, words: str
) -> None:
    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=cluster)))

    assert (code, words in shown) == (2, True), shown


def test_a_server_that_is_gone_is_said_in_one_sentence(
    doctor: Doctor, whole: Callable[..., Path], admin_kubeconfig: Path
) -> None:
    host, port = address(admin_kubeconfig)
    with CuttingProxy(host, port) as proxy:
        gone = {"server": f"https://127.0.0.1:{proxy.port}", "tls-server-name": host}
        proxy.cut_after = 3000
        code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=gone)))
        assert (code, "was cut" in shown) == (4, True), shown

    code, shown = doctor("--context", "main", KUBECONFIG=str(whole(cluster=gone)))
    assert (code, "nothing listens there" in shown) == (4, True), shown


def address(kubeconfig: Path) -> tuple[str, int]:
    parsed = urlsplit(parts(kubeconfig)[0]["server"])
    assert parsed.hostname is not None
    assert parsed.port is not None
    return parsed.hostname, parsed.port
