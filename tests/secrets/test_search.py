"""What is found in single files, and what is not."""

# ruff: noqa: UP031  # braces are what the files are full of
from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import accumulate

import pytest

from layerscope.secrets.files import is_known, known_among
from layerscope.secrets.hit import BINARY, MOST_IN_FILE, Hit
from layerscope.secrets.search import is_text, search, search_bytes, values
from layerscope.secrets.words import PLACEHOLDER
from tests.secrets.tokens import Maker

make = Maker()


def rules(data: str | bytes, path: str = "srv/config.txt") -> set[tuple[int, str]]:
    """The line and the rule of every sure finding."""
    data = data.encode() if isinstance(data, str) else data
    return {(hit.line, hit.rule) for hit in search_bytes(data, path.encode()).hits if not hit.doubt}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("github-pat", make.github()),
        ("npm-access-token", make.npm()),
        ("slack-bot-token", make.slack()),
        ("stripe-access-token", make.stripe()),
        ("private-key", make.pem()),
        ("private-key", make.pem("OPENSSH")),
        ("private-key", make.pem("")),
        ("jwt", make.jwt()),
        ("generic-api-key", f'api_key = "{make.letters(32)}"'),
    ],
)
def test_a_token_is_found_on_its_line_in_any_file(rule: str, text: str) -> None:
    assert (3, rule) in rules(f"# one\n# two\n{text}\n")


KNOWN: list[tuple[str, str, str, int]] = [
    ("dotenv-secret", "app/.env", f"DEBUG=1\nDB_PASSWORD={make.password()}\n", 2),
    ("dotenv-secret", "app/.env.production", f"export SECRET_KEY='{make.password()}'\n", 1),
    ("npmrc-token", "root/.npmrc", f"//registry.example.org/:_authToken={make.password()}\n", 1),
    ("pypirc-password", "root/.pypirc", f"[pypi]\nusername = a\npassword = {make.password()}\n", 3),
    ("netrc-password", "root/.netrc", f"machine a.example login b\n  password {make.password()}\n", 2),
    ("git-credentials", "root/.git-credentials", f"https://me:{make.password()}@git.example.org\n", 1),
    ("git-credentials", "src/.git/config", f"[remote]\nurl = https://me:{make.password()}@git.example.org/x\n", 2),
    ("docker-config-auth", "root/.docker/config.json", '{"auths": {"r": {"auth": "%s"}}}' % make.letters(24), 1),
    ("kubeconfig-credentials", "root/.kube/config", f"users:\n- name: a\n  user:\n    token: {make.password()}\n", 4),
    ("aws-credentials", "root/.aws/credentials", f"[default]\naws_secret_access_key = {make.aws()[1]}\n", 2),
    ("gcloud-credentials", "root/.config/gcloud/application_default_credentials.json", '{\n "refresh_token": "%s"\n}' % make.password(), 2),
    ("azure-credentials", "root/.azure/accessTokens.json", '[{"accessToken": "%s"}]' % make.password(), 1),
    ("terraform-state", "infra/terraform.tfstate", '{\n"outputs": {"db_password": {}},\n"password": "%s"}' % make.password(), 3),
    ("pgpass-password", "root/.pgpass", f"db:5432:*:app:{make.password()}\n", 1),
    ("mysql-password", "root/.my.cnf", f"[client]\npassword={make.password()}\n", 2),
    ("password-hash", "etc/shadow", f"daemon:*:1:\nroot:$6$ab${make.letters(86)}:19000:0:\n", 2),
    ("password-hash", "srv/.htpasswd", f"me:$apr1$abc${make.letters(22)}\n", 1),
    ("github-cli-token", "root/.config/gh/hosts.yml", f"github.com:\n  oauth_token: {make.password()}\n", 2),
    ("vault-token", "root/.vault-token", make.password(), 1),
    ("cargo-token", "root/.cargo/credentials.toml", f'[registry]\ntoken = "{make.password()}"\n', 2),
    ("composer-auth", "root/.composer/auth.json", '{"http-basic": {"a": {"password": "%s"}}}' % make.password(), 1),
    ("maven-password", "root/.m2/settings.xml", f"<server>\n<password>{make.password()}</password>\n", 2),
    ("nuget-password", "app/nuget.config", f'<add key="ClearTextPassword" value="{make.password()}" />', 1),
    ("wordpress-secret", "var/www/wp-config.php", f"define( 'DB_PASSWORD', '{make.password()}' );", 1),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text", "line"), KNOWN)
def test_a_file_of_credentials_is_known_by_its_name(
    rule: str, path: str, text: str, line: int
) -> None:
    assert is_known(path.encode())
    assert (line, rule) in rules(text, path)


@pytest.mark.parametrize(("rule", "path", "text", "line"), KNOWN)
def test_the_same_text_in_another_file_is_not_judged_by_that_rule(
    rule: str, path: str, text: str, line: int
) -> None:
    assert rule not in {each for _, each in rules(text, "srv/notes.txt")}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/.env", "PASSWORD=${DB_PASSWORD}\nTOKEN=\nSECRET=$TOKEN\nAPI_KEY={{ key }}\n"),
        ("app/.env.example", f"DB_PASSWORD={make.password()}\n"),
        ("root/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nregistry=https://a.example/\n"),
        ("root/.docker/config.json", '{"auths": {"r": {"auth": "dXNlcjo="}}, "credsStore": "desktop"}'),
        ("etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:!:19000::\napp:!!:19000::\n"),
        ("root/.netrc", "machine a.example login b # password soon\n"),
        ("root/.my.cnf", "[client]\nuser=app\n#password=abc\n"),
        ("root/.kube/config", "apiVersion: v1\nclusters: []\nusers: []\n"),
        ("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        ("root/.ssh/id_rsa", "ssh-rsa AAAAB3NzaC1yc2E me@host\n"),
        ("app/go.sum", f"a.example/x v1.0.0 h1:{make.letters(43)}=\n"),
    ],
)  # fmt: skip
def test_references_locked_accounts_and_public_parts_are_no_secrets(path: str, text: str) -> None:
    assert rules(text, path) == set()


def doubts(text: str, path: str) -> set[str]:
    return {hit.doubt for hit in search_bytes(text.encode(), path.encode()).hits}


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("app/.env", "DB_PASSWORD=changeme\n", PLACEHOLDER),
        ("usr/lib/python3.11/test/certdata/keycert.pem", make.pem(), "test suite"),
        ("usr/lib/python3/dist-packages/tornado/test/test.key", make.pem(""), "test suite"),
        ("app/node_modules/x/test/fixtures/key.pem", make.pem(), "test suite"),
        ("usr/share/doc/openssl/demo.pem", make.pem(), "documentation"),
        ("etc/ssl/private/ssl-cert-snakeoil.key", make.pem(""), "ssl-cert"),
        ("app/a.py", f'TOKEN = "{make.github()}"  # gitleaks:allow\n', "gitleaks:allow"),
    ],
)
def test_a_finding_in_doubt_says_why(path: str, text: str, why: str) -> None:
    found = doubts(text, path)
    assert found
    assert all(why in each for each in found)


@pytest.mark.parametrize(
    "path", ["app/tests/key.pem", "srv/docs/key.pem", "home/app/src/fixtures/id_rsa"]
)
def test_an_application_s_own_folder_of_tests_is_no_excuse(path: str) -> None:
    assert (1, "private-key") in rules(make.pem(), path)


DER_KEY = bytes.fromhex("30820122020100300d06092a864886f70d0101010500048201") + bytes(269)
BINARY_KINDS: list[tuple[str, str, bytes]] = [
    ("private-key", "srv/server.key", DER_KEY),
    ("pkcs12-file", "srv/client.p12", bytes.fromhex("308209f1020103308209b706092a864886f70d010701a0") + bytes(90)),
    ("java-keystore", "srv/app.jks", bytes.fromhex("feedfeed0000000200000001" + "00000001") + b"\0\x05alias" + bytes(90)),
    ("keepass-database", "root/all.kdbx", bytes.fromhex("03d9a29a67fb4bb5") + bytes(90)),
    ("private-key", "root/a.ppk", b"PuTTY-User-Key-File-3: ssh-ed25519\n"),
    ("private-key", "root/.gnupg/private-keys-v1.d/AB.key", b"(21:protected-private-key(3:rsa" + bytes(9)),
    ("gcloud-credentials", "root/.config/gcloud/credentials.db", b"SQLite format 3\0" + bytes(90)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "data"), BINARY_KINDS)
def test_a_binary_store_of_keys_is_known_by_its_format(rule: str, path: str, data: bytes) -> None:
    found = search(path.encode(), len(data), lambda at, count: data[at : at + count], 1 << 20)
    assert found is not None
    assert [hit.rule for hit in found.hits] == [rule]
    other = b"\0" * len(data)
    found = search(path.encode(), len(data), lambda at, count: other[at : at + count], 1 << 20)
    assert found is not None
    assert not found.hits


def test_a_java_keystore_of_certificates_alone_is_no_secret() -> None:
    trusted = bytes.fromhex("feedfeed0000000200000001" + "00000002") + bytes(90)
    assert rules(trusted, "etc/ssl/cacerts.jks") == set()


def test_other_binary_files_are_not_read_beyond_their_head() -> None:
    read: list[tuple[int, int]] = []

    def read_at(at: int, count: int) -> bytes:
        read.append((at, count))
        return b"\x7fELF\0" + b"a" * (count - 5)

    assert search(b"usr/bin/x", 10_000_000, read_at, 1 << 20) is BINARY
    assert read == [(0, 8192)]


def test_a_text_over_the_bound_is_not_called_clean() -> None:
    assert search(b"a.sql", 2_000_000, lambda at, count: b"a" * count, 1 << 20) is None


def test_utf_16_is_text() -> None:
    text = b"\xff\xfe" + f"token = {make.github()}\r\n".encode("utf-16-le")
    assert is_text(text)
    assert (1, "github-pat") in rules(text)


def test_a_generic_finding_gives_way_to_a_special_one_on_its_line() -> None:
    assert {rule for _, rule in rules(f'api_key = "{make.github()}"\n')} == {"github-pat"}


def test_values_are_there_to_be_masked() -> None:
    token = make.github()
    assert values(f"curl https://x/{token}") == [token]


def test_a_hit_shows_no_secret() -> None:
    token = make.github()
    found = search_bytes(f"password={token}".encode(), b"app/.env")
    assert found.hits
    assert token not in repr(found)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda at, count: data[at : at + count]


def many(line: Callable[[int], str]) -> bytes:
    return "".join(line(number) + "\n" for number in range(200_000)).encode()


HOSTILE = {
    "one line": lambda: b"key=" + b"a1B2" * 250_000 + b"\n",
    "keywords": lambda: b"secret key token password api auth " * 30_000,
    "openings": lambda: b"-----BEGIN RSA PRIVATE KEY-----\n" * 30_000,
    "matches": lambda: many(lambda number: f'api_key = "{number:032x}z9Qw"'),
    "settings": lambda: many(lambda number: f"PASSWORD_{number}=Zq{number}xx"),
    "quotes": lambda: b'"a":"' * 200_000,
    "spaces": lambda: b"password" + b" " * 1_000_000 + b"= x",
    "equals": lambda: b"curl -u a:" * 100_000,
    "jwt": lambda: b"eyJ" + b"a" * 1_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("path", ["srv/x.txt", "app/.env", "x/terraform.tfstate", "root/.netrc"])
def test_hostile_text_takes_bounded_time_and_says_when_it_is_cut(name: str, path: str) -> None:
    data = HOSTILE[name]()
    start = time.process_time()
    found = search_bytes(data, path.encode())
    assert time.process_time() - start < 5
    assert len(found.hits) <= MOST_IN_FILE
    if name == "matches":
        assert not found.complete


def test_equal_findings_of_a_line_count_once() -> None:
    token = make.github()
    hits = search_bytes(f"{token} {token}".encode(), b"a.txt").hits
    assert hits == (Hit(1, "github-pat"),)


@pytest.mark.parametrize("shift", [0, 1, 20, 700, 1500])
def test_a_secret_across_the_border_of_two_blocks_is_found(shift: int) -> None:
    for border in (128 * 1024, 256 * 1024):
        filler = b"x = 1\n" * (300 * 1024 // 6)
        key = make.pem("RSA").encode()
        cut = (border - shift) // 6 * 6
        data = filler[:cut] + key + filler
        assert {rule for _, rule in rules(data)} == {"private-key"}


def test_no_keyword_is_longer_than_what_blocks_share() -> None:
    from layerscope.secrets.gitleaks import engine

    assert max(len(word) for rule in engine().rules for word in rule.keywords) < 64


def test_known_names_are_found_among_joined_paths() -> None:
    names = [
        b"a/.env.local", b".env.", b"x/.env.d/file", b"id_rsa", b"b/id_rsa", b"c.pem", b"k8",
        b"x.p8", b"auth.json", b"e/auth.json", b"", b"p8", b".p8", b"long/none.txt", b"n/.npmrc",
    ]  # fmt: skip
    source = random.Random(1)
    for _ in range(300):
        paths = [source.choice(names) for _ in range(source.randrange(12))]
        found = known_among(b"".join(paths), list(accumulate(map(len, paths))))
        assert found == [at for at, path in enumerate(paths) if is_known(path)]


@pytest.mark.random
@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_are_searched_without_an_error(seed: int) -> None:
    from layerscope.secrets.files import FILE_RULES
    from tests.secrets.corpus import corpus

    chance = random.Random(seed)
    texts = [case.text.encode() for case in corpus(seed, times=1)]
    paths = [name.replace("*", "a").lstrip("/") for rule in FILE_RULES for name in rule.names]
    for path in paths:
        data = bytearray(chance.choice(texts) if chance.random() < 0.8 else DER_KEY)
        for _ in range(chance.randrange(8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        found = search(path.encode(), len(data), reader(bytes(data)), 1 << 20)
        assert found is not None
        lines = bytes(data).count(b"\n") + 1
        assert all(1 <= hit.line <= lines for hit in found.hits)
