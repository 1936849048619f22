"""The plane's certificates: one authority for the API server, for kubelets and for users with a certificate."""

import subprocess
from pathlib import Path

from tests.support.control_plane.layout import ADDRESSES, PODS, Layout


def make(layout: Layout) -> None:
    """Make the authority, the API server's certificate, which kubelets use too, and the key of accounts."""
    directory = layout.directory / "pki"
    directory.mkdir()
    _key(directory, "ca")
    named = ["-days", "2", "-subj", "/CN=gaia-test"]
    _openssl(directory, "req", "-x509", "-new", "-key", "ca.key", "-out", "ca.crt", *named)
    _key(directory, "accounts")
    _openssl(directory, "pkey", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")
    names = (
        f"subjectAltName=IP:{layout.address},IP:{ADDRESSES[PODS]},IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
    )
    _certificate(directory, "server", "/CN=kube-apiserver", names)


def client_certificate(layout: Layout, user: str, group: str = "") -> tuple[Path, Path]:
    """Make a certificate by which the API server knows a user; return it and its key."""
    directory = layout.directory / "pki"
    subject = f"/O={group}/CN={user}" if group else f"/CN={user}"
    _certificate(directory, f"user-{user}", subject, "extendedKeyUsage=clientAuth")
    return directory / f"user-{user}.crt", directory / f"user-{user}.key"


def _certificate(directory: Path, name: str, subject: str, extension: str) -> None:
    _key(directory, name)
    (directory / f"{name}.ext").write_text(extension)
    _openssl(directory, "req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext"]
    _openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)


def _key(directory: Path, name: str) -> None:
    _openssl(directory, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
