"""Keep one comment on a pull request up to date: `comment.py [--key KEY] [--author LOGIN] NUMBER FILE`.

FILE is a report or a comparison in Markdown. A comment is ours if its author is LOGIN (by default the bot of the job's own
token) and it starts with the report's marker and KEY, which by default is the image's name without its tag. Without
arguments, as a step of the Action, all of this comes from the inputs. It needs only Python: the API's URL, the repository,
and the token come from variables that every GitHub job has.
"""

from __future__ import annotations

import argparse
import html
import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

import inputs

MARKERS = ("<!-- layerscope -->", "<!-- layerscope compare -->")
AUTHOR = "github-actions[bot]"
"""The author of comments written with a job's token."""
PAGE = 100
PAGES = 30
"""The most pages of comments to search for our own."""
LENGTH = 65_536
"""GitHub's limit on the characters of a comment."""
CUT = "\n\n… the rest does not fit into a comment; see the job summary or the report\n"
_CODE = re.compile(r"<code>([^<]*)</code>")


@dataclass(frozen=True)
class Comment:
    """What to write where, and how to recognize an earlier comment."""

    number: int
    body: str
    start: str
    author: str


def main(arguments: list[str]) -> int:
    try:
        wanted = from_arguments(arguments) if arguments else from_inputs()
        return 0 if wanted is None else write(wanted)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            inputs.annotate(
                "warning",
                f"the comment cannot be written: HTTP {error.code}; give the job the permission "
                "pull-requests: write (pull requests from forks never have it)",
            )
            return 0
        return failed(f"HTTP {error.code}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return failed(inputs.one_line(str(error)))


def failed(reason: str) -> int:
    """Report that the API gave no usable response. The exit code is the one for an unavailable source."""
    inputs.annotate("error", f"the comment cannot be written: {reason}")
    return 3


def from_arguments(arguments: list[str]) -> Comment:
    parser = argparse.ArgumentParser(prog="comment.py")
    parser.add_argument("--key", default="")
    parser.add_argument("--author", default=AUTHOR)
    parser.add_argument("number")
    parser.add_argument("file")
    given = parser.parse_args(arguments)
    return read(given.number, given.file, given.key and inputs.slug(given.key), given.author)


def from_inputs() -> Comment | None:
    """The comment for the Action's inputs; None if there is nothing to write."""
    if not inputs.switch("comment", default=False):
        return None
    path = inputs.variable("file") or os.path.join(inputs.reports_folder(), "report.md")
    number = os.environ.get("PULL_REQUEST", "").strip()
    if not number or not os.path.exists(path):
        return None
    key = inputs.variable("key")
    if inputs.variable("image"):
        key = inputs.image_key()
    author = inputs.variable("comment-author") or AUTHOR
    return read(number, path, key and inputs.slug(key), author)


def read(number: str, path: str, key: str, author: str) -> Comment:
    """The comment from a file. Raises `InputError` if the number is invalid or the file has no marker."""
    if not (number.isascii() and number.isdigit()):
        raise inputs.InputError(f"{number[:40]!r} is not the number of a pull request")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    marker = next((each for each in MARKERS if text.startswith(each)), None)
    if marker is None:
        raise inputs.InputError(f"{path} has no marker {MARKERS[0]}; name a Markdown report")
    key = key or default_key(text)
    start = f"{marker}\n<!-- image: {key} -->\n" if key else f"{marker}\n"
    return Comment(
        int(number), fitting(start + text.removeprefix(marker).lstrip("\n")), start, author
    )


def fitting(body: str) -> str:
    """The body, cut after a whole line if it's too long for GitHub."""
    if len(body) <= LENGTH:
        return body
    return body[: body.rindex("\n", 0, LENGTH - len(CUT))] + CUT


def default_key(text: str) -> str:
    """The name of the image in the title, without its tag. For a comparison, the name of the new image."""
    title = next((line for line in text.splitlines() if line.startswith("### ")), "")
    names = _CODE.findall(title)
    return inputs.slug(inputs.strip_tag(html.unescape(names[-1]))) if names else ""


def write(wanted: Comment) -> int:
    repository = os.environ["GITHUB_REPOSITORY"]
    comments = f"/repos/{repository}/issues/{wanted.number}/comments"
    own = find(comments, wanted)
    if own is not None:
        call("PATCH", f"/repos/{repository}/issues/comments/{own}", {"body": wanted.body})
        return 0
    (row,) = call("POST", comments, {"body": wanted.body})
    author = login(row)
    if author and author.lower() != wanted.author.lower():
        inputs.annotate(
            "warning",
            f"the comment was written by {author}, not by {wanted.author}; "
            f"set comment-author: {author}, so that the next run finds it again",
        )
    return 0


def find(comments: str, wanted: Comment) -> int | None:
    """The number of the comment that an earlier run wrote for the same image."""
    for page in range(1, PAGES + 1):
        rows = call("GET", f"{comments}?per_page={PAGE}&page={page}")
        for row in rows:
            if is_own(row, wanted):
                return int(str(row["id"]))
        if len(rows) < PAGE:
            return None
    return None


def is_own(row: dict[str, object], wanted: Comment) -> bool:
    """Whether the bot wrote the comment; anyone can write the marker, so the marker alone proves nothing."""
    body = str(row.get("body") or "").replace("\r\n", "\n").lstrip()
    if login(row).lower() != wanted.author.lower():
        return False
    user = row.get("user")
    if wanted.author.endswith("[bot]") and isinstance(user, dict) and user.get("type") != "Bot":
        return False
    if wanted.start.count("\n") == 1:
        return body.startswith(wanted.start) and not body.startswith(f"{wanted.start}<!-- image: ")
    return body.startswith(wanted.start)


def login(row: dict[str, object]) -> str:
    """Who wrote a comment."""
    user = row.get("user")
    return str(user.get("login") or "") if isinstance(user, dict) else ""


def call(method: str, path: str, value: object = None) -> list[dict[str, object]]:
    """Call the REST API. A response that is not a list is returned as a list of one."""
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    request = urllib.request.Request(
        base + path,
        data=None if value is None else json.dumps(value).encode(),
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "User-Agent": "layerscope",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    return found if isinstance(found, list) else [found]


if __name__ == "__main__":
    sys.exit(inputs.run(lambda: main(sys.argv[1:]), summary=False))
