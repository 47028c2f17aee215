"""Keep one comment on a pull request up to date: `comment.py NUMBER FILE`.

The comment is known by the marker that a Markdown report begins with. Needs nothing but Python: the API's address, the
repository and the token come from the variables that a GitHub job has.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request

MARKER = "<!-- layerscope -->"
PAGE = 100
PAGES = 30
"""Pages of comments that are looked at for one's own."""


def main() -> int:
    number, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        body = file.read()
    if MARKER not in body:
        print(f"{path} has no marker {MARKER}", file=sys.stderr)
        return 2
    repository = os.environ["GITHUB_REPOSITORY"]
    comments = f"/repos/{repository}/issues/{int(number)}/comments"
    try:
        own = find(comments)
        if own is None:
            call("POST", comments, {"body": body})
        else:
            call("PATCH", f"/repos/{repository}/issues/comments/{own}", {"body": body})
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            print(
                f"::warning title=layerscope::the comment cannot be written: HTTP {error.code}; "
                "give the job the permission pull-requests: write (pull requests of forks never have it)"
            )
            return 0
        print(f"the comment cannot be written: HTTP {error.code}", file=sys.stderr)
        return 1
    except urllib.error.URLError as error:
        print(f"the comment cannot be written: {error.reason}", file=sys.stderr)
        return 1
    return 0


def find(comments: str) -> int | None:
    """The number of the comment that has the marker at its start."""
    for page in range(1, PAGES + 1):
        rows = call("GET", f"{comments}?per_page={PAGE}&page={page}")
        for row in rows:
            if str(row.get("body") or "").lstrip().startswith(MARKER):
                return int(row["id"])
        if len(rows) < PAGE:
            return None
    return None


def call(method: str, path: str, value: object = None) -> list[dict[str, object]]:
    """One call of the REST API; what is no list is given as one of it."""
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
    sys.exit(main())
