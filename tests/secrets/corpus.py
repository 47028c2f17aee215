"""A corpus of true and false cases, made from a seed: what an image's files look like, with and without secrets.

A case is a file, its text, and the lines that have a secret. Those of a false case look like one: keys of test suites,
examples, hashes, identifiers, references to secrets, and encoded data.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.secrets.tokens import Maker


class Case(NamedTuple):
    """One file. `secrets` are the lines, from 1, that have a secret."""

    path: str
    text: str
    secrets: frozenset[int] = frozenset()


def corpus(seed: int = 1, times: int = 4) -> list[Case]:
    """All cases, each kind `times` times with other values. The same seed gives the same corpus."""
    make = Maker(seed)
    cases: list[Case] = []
    for number in range(times):
        cases += [case._replace(path=f"{number}/{case.path}") for case in _true(make)]
        cases += [case._replace(path=f"{number}/{case.path}") for case in _false(make)]
    return cases


def _case(path: str, text: str, *lines: int) -> Case:
    return Case(path, text, frozenset(lines))


# fmt: off


def _true(make: Maker) -> Iterator[Case]:
    yield from _tokens(make)
    yield from _known_files(make)
    yield from _settings(make)
    for kind, path in (
        ("RSA", "root/.ssh/id_rsa"),
        ("OPENSSH", "home/app/.ssh/id_ed25519"),
        ("EC", "etc/nginx/tls/server.key"),
        ("", "srv/app/certs/service.pem"),
        ("ENCRYPTED", "srv/app/certs/locked.pem"),
    ):
        yield _case(path, make.pem(kind), 1)
    body = make.pem("").replace("\n", "\\n")
    account = {"type": "service_account", "project_id": "shop", "private_key": body}
    yield _case("app/gcp.json", json.dumps(account, indent=1).replace("\\\\n", "\\n") + "\n", 4)


def _tokens(make: Maker) -> Iterator[Case]:
    """Tokens of known forms, in source code and settings of all kinds."""
    key, secret = make.aws()
    yield _case("app/settings.py", f'DEBUG = False\nGITHUB = "{make.github()}"\n', 2)
    yield _case("app/deploy.sh", f"#!/bin/sh\nset -e\ncurl -H 'Authorization: token {make.github()}' https://api.example\n", 3)
    yield _case("srv/ci.yml", f"env:\n  NPM_AUTH: {make.npm()}\n", 2)
    yield _case("srv/notify.js", f"const hook = '{make.slack()}';\n", 1)
    yield _case("srv/pay.rb", f'Stripe.api_key = "{make.stripe()}"\n', 1)
    yield _case("srv/map.html", f'<script src="https://maps.example/api?key={make.google()}"></script>\n', 1)
    yield _case("srv/boto.py", f'client("s3", aws_access_key_id="{key}", aws_secret_access_key="{secret}")\n', 1)
    yield _case("var/log/app.log", f"ok\nok\nGET /?jwt={make.jwt()} 200\n", 3)
    yield _case("opt/tool/config.toml", f'[remote]\ntoken = "{"gl" + "pat-" + make.letters(20)}"\n', 2)
    yield _case("opt/tool/hf.env.sh", f"export HF={'h' + 'f_' + make.letters(34, 'abcdefghijklmnopqrstuvwxyz')}\n", 1)
    yield _case("opt/tool/send.py", f'sg = "{"SG" + "." + make.letters(22)}.{make.letters(43)}"\n', 1)
    yield _case("opt/tool/upload.sh", f"twine upload -p {'py' + 'pi-AgEIcHlwaS5vcmc' + make.letters(80)} dist/*\n", 1)


def _known_files(make: Maker) -> Iterator[Case]:
    """Files of credentials, known by their names."""
    login = base64.b64encode(f"app:{make.password()}".encode()).decode()
    yield _case("app/.env", f"DEBUG=0\nDB_PASSWORD={make.password()}\nPORT=80\n", 2)
    yield _case("root/.npmrc", f"registry=https://npm.example/\n//npm.example/:_authToken={make.password()}\n", 2)
    yield _case("root/.pypirc", f"[x]\nrepository = https://p.example\nusername = a\npassword = {make.password()}\n", 4)
    yield _case("root/.netrc", f"machine git.example\nlogin app\npassword {make.password()}\n", 3)
    yield _case("root/.git-credentials", f"https://app:{make.password()}@git.example\n", 1)
    yield _case("root/.docker/config.json", '{\n"auths": {"r.example": {\n"auth": "' + login + '"}}\n}\n', 3)
    yield _case("root/.kube/config", f"users:\n- name: a\n  user:\n    token: {make.password()}\n", 4)
    yield _case("root/.aws/credentials", f"[default]\naws_access_key_id = {make.aws()[0]}\naws_secret_access_key = {make.aws()[1]}\n", 2, 3)
    yield _case("root/.config/gcloud/application_default_credentials.json", '{\n"client_id": "1.apps",\n"refresh_token": "1//' + make.letters(60) + '"\n}\n', 3)
    yield _case("srv/terraform.tfstate", '{\n"version": 4,\n"admin_password": "' + make.password() + '"\n}\n', 3)
    yield _case("root/.pgpass", f"db:5432:*:app:{make.password()}\n", 1)
    yield _case("root/.my.cnf", f"[client]\nuser = app\npassword = {make.password()}\n", 3)
    yield _case("etc/shadow", f"daemon:*:19000:0:\napp:$6$abcd${make.letters(86)}:19000:0:\n", 2)
    yield _case("root/.cargo/credentials.toml", f'[registries.x]\ntoken = "{make.password()}"\n', 2)
    yield _case("root/.m2/settings.xml", f"<servers><server>\n<password>{make.password()}</password>\n", 2)
    yield _case("root/.vault-token", f"{make.letters(26)}\n", 1)
    yield _case("var/www/wp-config.php", f"<?php\ndefine( 'DB_PASSWORD', '{make.password()}' );\n", 2)


def _settings(make: Maker) -> Iterator[Case]:
    """Random values under names that say that they are secret."""
    yield _case("app/config.yml", f"api:\n  api_key: {make.letters(32)}\n", 2)
    yield _case("app/secrets.json", '{\n"client_secret": "' + make.letters(40) + '"\n}\n', 2)
    yield _case("app/Config.java", f'class C {{ String authToken = "{make.hex(40)}"; }}\n', 1)
    yield _case("etc/app.ini", f"[mail]\nhost = m.example\naccess_token = {make.letters(36)}\n", 3)


def _false(make: Maker) -> Iterator[Case]:
    yield from _published(make)
    yield from _identifiers(make)
    site = "usr/local/lib/python3.12/site-packages"
    yield _case("etc/ssl/private/ssl-cert-snakeoil.key", make.pem(""))
    yield _case("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\n" + make.letters(64) + "\n-----END CERTIFICATE-----\n")
    yield _case("root/.ssh/authorized_keys", f"ssh-rsa {make.letters(372)} me@host\n")
    yield _case("etc/shadow-", "root:*:19000:0:99999:7:::\napp:!:19000:0:99999:7:::\n")
    yield _case("app/.env.example", f"DB_PASSWORD=changeme\nAPI_KEY=your-api-key\nSECRET={make.password()}\n")
    yield _case("app/compose.yml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD}\n  API_KEY: ${API_KEY:?missing}\n")
    yield _case("app/deploy.yml", "env:\n  token: {{ secrets.DEPLOY_TOKEN }}\n  password: <password>\n")
    yield _case("app/k8s.yml", "valueFrom:\n  secretKeyRef:\n    name: db-credentials\n    key: password\n")
    yield _case("home/dev/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n")
    yield _case("home/dev/.docker/config.json", '{"auths": {}, "credsStore": "desktop"}\n')
    yield _case("app/login.py", 'password = getpass("Password: ")\ntoken = os.environ["TOKEN"]\napi_key = settings.api_key\n')
    yield _case("usr/share/doc/curl/manual.txt", "curl -u user:password https://example.com/\ncurl -H 'Authorization: Bearer TOKEN' https://example.com/\n")
    yield _case(f"{site}/flask/config.py", "SECRET_KEY = None\nMAX_CONTENT = 10\n")
    yield _case("app/readme.md", "Set `API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` and `token: abcdefghijklmnopqrstuvwxyz`.\n")


def _published(make: Maker) -> Iterator[Case]:
    """Keys and tokens of packages: everyone can download them."""
    site = "usr/local/lib/python3.12/site-packages"
    yield _case("usr/lib/python3.11/test/certdata/keycert3.pem", make.pem(""))
    yield _case(f"{site}/tornado/test/test.key", make.pem(""))
    yield _case(f"{site}/requests/tests/certs/server.pem", make.pem("RSA"))
    yield _case("app/node_modules/request/tests/ssl/ca/server.key", make.pem("RSA"))
    yield _case("usr/share/doc/libssl-doc/demos/server.pem", make.pem("RSA"))
    yield _case("usr/lib/ruby/gems/3.1.0/gems/puma-6.0/examples/puma/puma_keypair.pem", make.pem("RSA"))
    yield _case(f"{site}/jose/tests/test_jws.py", f'token = "{make.jwt()}"\n')
    yield _case(f"{site}/botocore/data/sts/examples-1.json", '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"\n')
    yield _case("app/node_modules/just-diff/index.js", "const keyMap = {a1B2c3: 'x9Y8z7W6v5U4'};\n")
    yield _case("usr/include/node/crypto_rsa.h", "kKeyVariantRSA_SSA_PKCS1_v1_5 = kWebCryptoKeyFormatRaw,\n")


def _identifiers(make: Maker) -> Iterator[Case]:
    """Hashes and other random text that is no secret."""
    integrity = base64.b64encode(make.random.randbytes(64)).decode()
    yield _case("app/package-lock.json", f'"integrity": "sha512-{integrity}",\n"resolved": "https://r.example/a.tgz"\n')
    yield _case("app/go.sum", f"example.org/x v1.2.3 h1:{make.letters(43)}=\n")
    yield _case("app/poetry.lock", f'content-hash = "{make.hex(64)}"\n')
    yield _case("app/yarn.lock", f'  resolved "https://r.example/a.tgz#{make.hex(40)}"\n')
    yield _case("app/version.txt", f"commit {make.hex(40)}\nsha256:{make.hex(64)}\n")
    yield _case("app/ids.json", f'{{"request_id": "{make.hex(8)}-{make.hex(4)}-4{make.hex(3)}-8{make.hex(3)}-{make.hex(12)}"}}\n')
    yield _case("app/static/app.css", f"background: url(data:image/png;base64,{base64.b64encode(make.random.randbytes(300)).decode()})\n")
    yield _case("app/static/index.html", f'<script src="a.js" integrity="sha384-{make.letters(64)}"></script>\n')
    yield _case("usr/local/lib/python3.12/site-packages/a-1.0.dist-info/RECORD", f"a/__init__.py,sha256={make.letters(43)},120\n")
    yield _case("var/lib/dpkg/info/libc6.md5sums", f"{make.hex(32)}  usr/lib/libc.so.6\n")
    yield _case("etc/machine-id", f"{make.hex(32)}\n")
    yield _case("app/keys.py", f'GPG_KEY = "{make.hex(40).upper()}"\nprimary_key = "customer_account_number"\n')
    yield _case("app/words.txt", "tokenization monkeypatch keyboard secretary passwordless authority\n")


# fmt: on
