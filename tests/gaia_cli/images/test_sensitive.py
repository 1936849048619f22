import time

import pytest

from analyzers.lean.tables import words
from gaia_cli.images.sensitive import has_secret_name, holds_private_key

BODY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\nVJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictG\n"
)
PEM = f"-----BEGIN PRIVATE KEY-----\n{BODY}-----END PRIVATE KEY-----\n"
EC_PEM = PEM.replace("PRIVATE", "EC PRIVATE")
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{BODY}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "path",
    sorted(
        words("""
            .env .env.local .env-prod .env_prod prod.env prod.env.bak env.local env.production .envrc .netrc
            _netrc .npmrc .pypirc pip.conf pip.ini .git-credentials .htpasswd .pgpass .vault-token .s3cfg .boto
            .dockercfg .databrickscfg .my.cnf tls.key Server.KEY a.p12 a.pfx a.jks a.keystore a.kdbx a.ppk
            a.ovpn id_rsa id_dsa id_ecdsa_sk id_ed25519.pub kubeconfig dev.kubeconfig credentials.json
            terraform.tfstate terraform.tfstate.backup prod.tfvars .ssh .aws .azure .gcloud .kube .gnupg .docker
            deep/.aws .config/gcloud home/.config/gh .streamlit/secrets.toml .cache/huggingface/token
            .huggingface/token .m2/settings.xml kaggle.json client_secret_1.json service-account.json
            service_account_prod.json application_default_credentials.json secrets.yaml .bash_history
            .python_history deep/er/.ENV
        """)
    ),
)
def test_names_that_tools_give_to_secrets_are_known(path: str) -> None:
    assert has_secret_name(path)


@pytest.mark.parametrize(
    "path",
    sorted(
        words("""
            .env.example .env.sample .env.template .env-example prod.env.example secrets.yaml.dist env.py
            environment.yml env func.py keys.py keyboard.json id_map.json token.py tokenizer.json token
            credentials.py credentials secrets.py ca.pem cert.crt bundle.pem model.safetensors config kube.py
            docker/Dockerfile huggingface/tokens.py envoy.yaml .envoy settings.xml
        """)
    ),
)
def test_names_of_code_and_examples_pass(path: str) -> None:
    assert not has_secret_name(path)


@pytest.mark.parametrize(
    "content",
    [
        PEM,
        f"Bag Attributes\n    friendlyName: me\nKey Attributes: <No Attributes>\n{PEM}",
        f"{CERTIFICATE}{PEM}",
        f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{EC_PEM}",
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", "\r"),
        PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        PEM.replace("PRIVATE", "OPENSSH PRIVATE"),
        PEM.replace("-----\nMII", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\nMII", 1),
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE...\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF8AAAABCADH\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\nlQOYBF8AAAABCADH\n",
        '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADAN\\n-----END"}',
        f"tls:\n  key: |\n    {PEM.replace(chr(10), chr(10) + '    ')}",
        f'KEY = """{PEM}"""\n',
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
        "# created: 2026-01-01\n# public key: age1abc\nAGE-SECRET-KEY-1QQPQZRY9X8GF2TVDW0S3JN54KHCE6MUA7L\n",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: x\n",
        "untrusted comment: minisign encrypted secret key\nRWRTY0Iy\n",
        f"[Interface]\nPrivateKey = {'A' * 43}=\n",
        f"[default]\naws_access_key_id = AKIA\naws_secret_access_key = {'aB3/' * 10}\n",
        "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURQ==\n",
        "x" * 200_000 + "\n" + PEM,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_private_key_is_found_whatever_stands_before_it_and_in_every_unicode(content: str, encoding: str) -> None:
    assert holds_private_key(content.encode(encoding))


@pytest.mark.parametrize(
    "content",
    [
        CERTIFICATE * 5,
        PEM.replace("PRIVATE", "PUBLIC"),
        PEM.replace("PRIVATE KEY", "CERTIFICATE REQUEST"),
        'if "-----BEGIN PRIVATE KEY-----" in text:\n    refuse(text)\n',
        'KEY = "-----BEGIN PRIVATE KEY-----\\n" + body + "\\n-----END PRIVATE KEY-----"\n',
        "# looks for -----BEGIN PRIVATE KEY-----\nimport re\n",
        "A file with -----BEGIN RSA PRIVATE KEY----- in it is left out.\n",
        'PREFIX = "AGE-SECRET-KEY-1"\n',
        "PrivateKey = load()\n",
        "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY_OF_THE_PRODUCTION_ACCOUNT']\n",
        "",
    ],
)
def test_certificates_and_code_that_speaks_of_keys_hold_none(content: str) -> None:
    assert not holds_private_key(content.encode())


@pytest.mark.parametrize(
    "piece",
    ["-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN A A A A ", "A" * 100, "\n \\n"],
)
def test_no_content_takes_long_to_search(piece: str) -> None:
    started = time.process_time()
    holds_private_key((piece * (256 * 1024 // len(piece))).encode())

    assert time.process_time() - started < 2
