"""Files that hold credentials, each known by its name, and how to read it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from layerscope.records import dataclass
from layerscope.secrets import forms, readers
from layerscope.secrets.hit import Hit
from layerscope.secrets.readers import Reader
from layerscope.secrets.words import doubt_about


@dataclass(frozen=True, slots=True)
class FileRule:
    """What files with such names may hold. A name is a file's own, or ends like the path, from a slash on."""

    name: str
    message: str
    reader: Reader | None
    names: tuple[str, ...]
    binary: bool = False


_key = readers.named
FILE_RULES: Final = (
    FileRule("dotenv-secret", "A secret setting of a .env file", readers.any_secret, (".env", ".envrc", "*.env")),
    FileRule("npmrc-token", "A token of an npm registry", _key("_authToken", "_auth", "_password", "npmAuthToken", "npmAuthIdent", scoped=True), (".npmrc", ".yarnrc", ".yarnrc.yml")),
    FileRule("pypirc-password", "The password of a Python package index", _key("password"), (".pypirc",)),
    FileRule("pip-credentials", "The password of a Python package index in a URL", readers.logins, ("pip.conf", "/pip/pip.conf", "uv.toml")),
    FileRule("netrc-password", "The password of a host in a .netrc file", readers.netrc, (".netrc", "_netrc")),
    FileRule("git-credentials", "The password of a Git host", readers.logins, (".git-credentials", "/git/credentials", "/.git/config", ".gitconfig")),
    FileRule("docker-config-auth", "The login of a container registry", readers.docker_auths, ("/.docker/config.json", "/containers/auth.json", ".dockercfg", ".dockerconfigjson")),
    FileRule("kubeconfig-credentials", "The key or token of a Kubernetes cluster", _key("client-key-data", "token", "password", "id-token", "refresh-token"), ("/.kube/config", "kubeconfig", "*.kubeconfig", "/kubernetes/admin.conf", "/kubernetes/super-admin.conf", "/kubernetes/kubelet.conf", "/kubernetes/controller-manager.conf", "/kubernetes/scheduler.conf")),
    FileRule("kubernetes-token", "The token of a Kubernetes service account", readers.whole, ("/serviceaccount/token",)),
    FileRule("aws-credentials", "The secret key of an AWS account", _key("aws_secret_access_key", "aws_session_token", "secret_key"), ("/.aws/credentials", "/.aws/config", ".s3cfg", ".boto", ".passwd-s3fs")),
    FileRule("gcloud-credentials", "Credentials of Google Cloud", readers.members_named("private_key", "refresh_token", "client_secret", "access_token"), ("application_default_credentials.json", "/.config/gcloud/legacy_credentials/adc.json", "service-account.json", "service_account.json", "serviceaccount.json", "gcp-key.json", "gcloud-service-key.json")),
    FileRule("gcloud-credentials", "Credentials of Google Cloud", forms.sqlite, ("/gcloud/credentials.db", "/gcloud/access_tokens.db"), binary=True),
    FileRule("azure-credentials", "Credentials of Azure", readers.members_named("secret", "accessToken", "refreshToken", "client_secret", "clientSecret", "access_token", "refresh_token", "password"), ("/.azure/accessTokens.json", "/.azure/msal_token_cache.json", "/.azure/service_principal_entries.json", "/.azure/credentials", "/.azure/msal_http_cache.json")),
    FileRule("terraform-state", "A secret value in the state of Terraform", readers.members(), ("terraform.tfstate", "terraform.tfstate.backup", "*.tfstate")),
    FileRule("terraform-token", "The token of a Terraform registry", readers.members_named("token"), ("credentials.tfrc.json",)),
    FileRule("terraform-token", "The token of a Terraform registry", _key("token"), (".terraformrc", "terraform.rc")),
    FileRule("pgpass-password", "The password of a PostgreSQL server", readers.pgpass, (".pgpass", "pgpass.conf")),
    FileRule("mysql-password", "The password of a MySQL server", _key("password"), (".my.cnf", ".mylogin.cnf")),
    FileRule("password-hash", "The hash of a user's password", readers.hashes, ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", ".htpasswd", "htpasswd")),
    FileRule("github-cli-token", "A token of GitHub", _key("oauth_token"), ("/gh/hosts.yml", "/.config/hub")),
    FileRule("vault-token", "A token of Vault", readers.whole, (".vault-token",)),
    FileRule("cargo-token", "A token of a Cargo registry", _key("token"), ("/.cargo/credentials", "/.cargo/credentials.toml")),
    FileRule("gem-token", "A token of a RubyGems host", readers.settings(lambda name: name.lower().endswith(("api_key", "rubygems_api_key"))), ("/.gem/credentials", "/gem/credentials")),
    FileRule("bundle-credentials", "The login of a host of gems", readers.settings(lambda name: name.startswith("BUNDLE_") and "__" in name), ("/.bundle/config",)),
    FileRule("composer-auth", "The login of a Composer repository", readers.members(lambda name: name == "password" or "." in name), ("/composer/auth.json", "/.composer/auth.json")),
    FileRule("maven-password", "The password of a Maven repository", readers.maven, ("/.m2/settings.xml", "/.m2/settings-security.xml")),
    FileRule("gradle-secret", "A secret property of Gradle", readers.any_secret, ("/.gradle/gradle.properties",)),
    FileRule("nuget-password", "The password of a NuGet feed", readers.nuget, ("nuget.config", "NuGet.Config", "NuGet.config")),
    FileRule("rclone-password", "A secret of rclone", _key("pass", "password", "secret_access_key", "token", "client_secret"), ("rclone.conf",)),
    FileRule("wordpress-secret", "A secret setting of WordPress", readers.wordpress, ("wp-config.php",)),
    FileRule("private-key", "A private key", forms.der_key, ("*.der", "*.key", "*.pk8", "*.p8"), binary=True),
    FileRule("private-key", "A private key", forms.putty, ("*.ppk",)),
    FileRule("private-key", "A private key of OpenPGP", forms.pgp_secret, ("secring.gpg", "/private-keys-v1.d/*.key"), binary=True),
    FileRule("private-key", "A private key", None, ("*.pem", "*.rsa", "*.ovpn", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "identity", "ssh_host_rsa_key", "ssh_host_dsa_key", "ssh_host_ecdsa_key", "ssh_host_ed25519_key")),
    FileRule("pkcs12-file", "A PKCS #12 store, which usually holds a private key", forms.pkcs12, ("*.p12", "*.pfx"), binary=True),
    FileRule("java-keystore", "A Java keystore with a private key", forms.java_keystore, ("*.jks", "*.keystore"), binary=True),
    FileRule("keepass-database", "A database of KeePass", forms.keepass, ("*.kdbx",), binary=True),
)  # fmt: skip
"""A rule without a reader only names files in which the rules for all files are worth trying."""

_NAMES: Final[dict[bytes, list[tuple[bytes, FileRule]]]] = {}
_ENDINGS: Final[dict[bytes, list[FileRule]]] = {}
_ANY: Final = b"*"
for _rule in FILE_RULES:
    for _name in _rule.names:
        _folder, _, _own = _name.encode().rpartition(b"/")
        if _own.startswith(_ANY):
            _ENDINGS.setdefault(_own[1:], []).append(_rule)
        else:
            _NAMES.setdefault(_own, []).append((_folder, _rule))
_DOTENV: Final = b".env."
_TAIL_BYTES: Final = min(map(len, (*_NAMES, *_ENDINGS)))
_TAILS: Final = frozenset(text[-_TAIL_BYTES:] for text in (*_NAMES, *_ENDINGS))
"""The last bytes of all names and endings, which most paths don't have."""
_TEMPLATES: Final = (b".example", b".sample", b".template", b".dist", b".tmpl", b".tpl", b".md")


def is_known(path: bytes) -> bool:
    """Whether a file's name says that it may hold a secret. Quick, as it is asked for every file."""
    name = path[path.rfind(b"/") + 1 :]
    return name in _NAMES or name[name.rfind(b".") :] in _ENDINGS or name.startswith(_DOTENV)


def known_among(paths: bytes, ends: Sequence[int]) -> list[int]:
    """The positions of the paths that `is_known` is true for. `paths` are joined, each up to its place in `ends`."""
    found = {at for at, end in enumerate(ends) if paths[end - _TAIL_BYTES : end] in _TAILS}
    place = paths.find(_DOTENV)
    while place >= 0:
        found.add(bisect_right(ends, place))
        place = paths.find(_DOTENV, place + 1)
    return [at for at in sorted(found) if is_known(paths[ends[at - 1] if at else 0 : ends[at]])]


def rules_of(path: bytes) -> list[FileRule]:
    """The rules for a file, by its name and folder. A template such as .env.example has none."""
    name = path[path.rfind(b"/") + 1 :]
    if name.endswith(_TEMPLATES):
        return []
    if name.startswith(_DOTENV):
        return [FILE_RULES[0]]
    rooted = b"/" + path.lstrip(b"/")
    found = [rule for folder, rule in _NAMES.get(name, ()) if _is_in(rooted, folder, name)]
    return found + _ENDINGS.get(name[name.rfind(b".") :], []) if b"." in name else found


def _is_in(path: bytes, folder: bytes, name: bytes) -> bool:
    return not folder or path.endswith(folder + b"/" + name)


def search_file(data: bytes, path: bytes) -> Iterator[Hit]:
    """What the rules for this name find in the file."""
    for rule in rules_of(path):
        if rule.reader is not None:
            for line, value in rule.reader(data):
                yield Hit(line, rule.name, doubt_about(value))


def is_binary_kind(path: bytes) -> bool:
    """Whether a rule for this name reads a binary format."""
    return any(rule.binary for rule in rules_of(path))
