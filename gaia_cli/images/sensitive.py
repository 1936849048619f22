"""What is kept out of images because it may be secret: names that tools give to secrets, and private keys by content.

Names are compared in lower case. A name that says it is an example passes, as in `.env.example`.
"""

import re
from fnmatch import translate

from analyzers.lean.tables import words

HEAD_BYTES = 256 * 1024
"""How much of each file is searched for a private key."""

_NAMES = words(
    ".env .env[._-]* *.env *.env[._-]* env.local env.prod env.production env.development env.staging .envrc .secrets "
    ".netrc _netrc .npmrc .yarnrc .yarnrc.yml .pypirc pip.conf pip.ini .git-credentials .gitcookies .htpasswd .pgpass "
    ".pg_service.conf .my.cnf .mylogin.cnf .vault-token .s3cfg .boto .dockercfg .databrickscfg .snowsql .terraformrc "
    "*.key *.p12 *.pfx *.jks *.keystore *.bcfks *.kdb *.kdbx *.ppk *.ovpn *.agekey *.keytab *.tfstate *.tfstate.* "
    "*.tfvars *.tfvars.json id_rsa* id_dsa* id_ecdsa* id_ed25519* id_xmss* kubeconfig *.kubeconfig kaggle.json "
    ".credentials credentials.json credentials.toml client_secret*.json service[._-]account*.json "
    "application_default_credentials.json secrets.toml secrets.yaml secrets.yml secrets.json secrets.env "
    ".*_history .ssh .aws .azure .gcloud .gnupg .kube .docker .oci .aliyun .bluemix .terraform.d .password-store"
)
_PATHS = words(
    ".config/gcloud .config/gh .config/hub .config/glab-cli .config/doctl .config/rclone .config/pip .config/sops "
    ".config/containers/auth.json .config/composer/auth.json .local/share/keyrings .huggingface/token "
    ".huggingface/stored_tokens huggingface/token huggingface/stored_tokens .m2/settings.xml .gradle/gradle.properties "
    ".cargo/credentials .gem/credentials .bundle/config .kaggle .modal.toml .wandb/settings .streamlit/secrets.toml"
)
_EXAMPLES = tuple(f"{sign}{word}" for sign in ".-_" for word in ("example", "sample", "template", "dist", "tmpl"))
_ENDINGS = tuple(f"/{path}" for path in _PATHS)
_SECRET_NAME = re.compile("|".join(map(translate, _NAMES)))

_LINE_END = rb"[ \t]*(?:\r?\n|\r|\\r\\n|\\n)(?:\s|\\[rn])*+"
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----" + _LINE_END + rb"(?:"
    rb"[A-Za-z0-9+/=]{1,512}+[ \t]*(?:[\r\n\"'\\]|\Z)"  # its body, or what stands before that, or at least its end
    rb"|[A-Z][A-Za-z-]{1,40}: |[^\"'-]{0,4096}+-----END [A-Z0-9 ]{0,80}PRIVATE KEY)"
    rb"|---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----"
    rb"|PuTTY-User-Key-File-\d+: [a-z0-9-]+[ \t]*[\r\n]"
    rb"|AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{8}"
    rb"|untrusted comment: (?:minisign|rsign) encrypted secret key"
    rb"|PrivateKey[ \t]*=[ \t]*[A-Za-z0-9+/]{43}="
    rb"|(?i:aws_secret_access_key)[ \t]*[=:][ \t]*[A-Za-z0-9/+=]{40}"
    rb"|client-key-data:[ \t]*\"?[A-Za-z0-9+/]{16}"
)


def has_secret_name(path: str) -> bool:
    """Return whether a file or folder of the name and place `path` usually holds secrets."""
    whole = f"/{path.lower()}"
    if whole.endswith(_EXAMPLES):
        return False
    return _SECRET_NAME.match(whole.rpartition("/")[2]) is not None or whole.endswith(_ENDINGS)


def holds_private_key(head: bytes) -> bool:
    """Return whether the first part of a file holds a private key, whatever stands before it, in UTF-8 or UTF-16."""
    return _KEY.search(head) is not None or (b"\0" in head and _KEY.search(head.replace(b"\0", b"")) is not None)
