"""Secrets that a command line has, and what looks like one and isn't."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerscope.analysis.mask_commands import _BEFORE
from layerscope.analysis.masks import mask_text, secret_pairs
from tests.effort import examples

P = "Zq3vTx" + "9bLw"
LOGIN = base64.b64encode(f"user:{P}".encode()).decode()
REVEALING = [
    f"mysql -u root -p{P} db",
    f"mysqldump -h db -uroot -p{P} app",
    f"MYSQL_PWD={P} mysql",
    f"PGPASSWORD='{P}' psql",
    f"curl -uuser:{P} https://x",
    f"curl --user 'user:{P}' https://x",
    f'curl -H "Authorization: Basic {LOGIN}" https://x',
    f'curl -H "apikey: {P}" x',
    f'curl -H "Cookie: session={P}"',
    f"curl -H 'Api-Key: {P}' x",
    f'curl -d "password={P}&x=1" x',
    f"curl 'https://x/a?sig={P}{P}&se=1'",
    f'http https://x Authorization:"Bearer {P}"',
    f'git config --global url."https://{P}abcdefg:@github.com".insteadOf x',
    f"npm config set //registry.npmjs.org/:_authToken {P}",
    f'npm config set //r/:_password "{P}"',
    f"poetry config http-basic.x user {P}",
    f"poetry config pypi-token.x {P}",
    f"composer config gitlab-token.x {P}",
    f"bundle config x user:{P}",
    f"BUNDLE_GEMS__EXAMPLE__ORG=user:{P} bundle",
    f"docker login -u me -p {P} r.example",
    f"az login --service-principal -u a -p {P} --tenant t",
    f'echo "{P}" | docker login --password-stdin',
    f"echo {P} | sudo -S apt-get update",
    f"echo 'root:{P}' | chpasswd",
    f'echo \'{{"auths":{{"r":{{"auth":"{LOGIN}"}}}}}}\' > /root/.docker/config.json',
    f"echo 'db:5432:*:app:{P}' > /root/.pgpass",
    f"printf 'machine x login y password {P}' > /root/.netrc",
    f"sshpass -p{P} ssh x",
    f"openssl rsa -passin pass:{P}",
    f"openssl enc -k {P}",
    f"keytool -storepass {P} -keypass {P}",
    f"ssh-keygen -t rsa -N '{P}' -f k",
    f"htpasswd -bc f u {P}",
    f"useradd -p {P} u",
    f"zip -P {P} a b",
    f"7z x -p{P} a.7z",
    f"redis-cli -a {P} ping",
    f"mongosh -u a -p {P}",
    f"twine upload -u a -p {P}",
    f"vault login {P}",
    f"ngrok config add-authtoken {P}",
    f"tailscale up --authkey={P}",
    f"subscription-manager register --org 1 --activationkey={P}",
    f"aws configure set aws_secret_access_key {P}",
    f"lftp -u user,{P} host",
    f"kubectl create secret generic x --from-literal=password={P}",
    f"ENV API_TOKEN {P}",
    f'$env:SECRET = "{P}"',
    f'echo "db_password: {P}" > a.yml',
    f"<password>{P}</password>",
    f"jdbc:sqlserver://h;user=a;password={P};",
]
HARMLESS = [
    "set -eux; apt-get install -y --no-install-recommends ca-certificates",
    "apt-key adv --keyserver hkps://keys.openpgp.org --recv-keys 0x6ED0E7B82643E131",
    "docker run -p 8080:80 x && mkdir -p /app && cp -p a b",
    'useradd -m -p "" app && mysqld --port=3306',
    "sed -i 's/PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config",
    'echo "auth required pam_env.so" >> /etc/pam.d/x',
    'export GNUPGHOME="$(mktemp -d)"; gpg --batch --keyserver keys --recv-keys "$key"',
    "echo $TOKEN | docker login --password-stdin",
    "--mount=type=secret,id=npmrc,target=/root/.npmrc npm ci",
    "cat /run/secrets/token",
    "ENV TOKEN_FILE /run/secrets/token",
    "ENV NODE_VERSION 20.1.0",
    'ssh-keygen -t rsa -N "" -f /k',
    "poetry config virtualenvs.create false",
    "npm config set registry https://r.example/",
    "bundle config set --local without development",
    'if [ "$TOKEN" = "" ]; then exit 1; fi',
    "echo app:1000:1000:x:/home/app >> /etc/passwd",
    "key: value",
    "http://host:8080/path",
]


@pytest.mark.parametrize("text", REVEALING)
def test_a_secret_of_a_command_is_masked(text: str) -> None:
    masked = mask_text(text)
    assert P not in masked
    assert LOGIN not in masked
    assert "***" in masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_command_stays_as_it_is(text: str) -> None:
    assert mask_text(text) == text
    assert secret_pairs(text) == ()


@pytest.mark.parametrize(
    "part", ["a=", "token=", "mysql ", "curl -u ", "echo a", "<a>", "a: ", "x:1:", "https://a"]
)
def test_masking_takes_time_that_grows_with_the_text(part: str) -> None:
    def spent(count: int) -> float:
        start = time.process_time()
        mask_text(part * count)
        return time.process_time() - start

    spent(100)
    short, long = min(spent(2_000) for _ in range(3)), spent(20_000)
    assert long < 40 * short + 0.2


@pytest.mark.parametrize(("words", "before"), _BEFORE)
def test_a_text_with_a_command_has_one_of_its_words(words: tuple[str, ...], before: str) -> None:
    @settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(before))
    def check(text: str) -> None:
        assert any(word in text for word in words)

    check()
