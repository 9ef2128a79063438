"""One comment on a pull request of GitHub, written once and changed afterwards."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from netsize.errors import NetsizeError

MARK = "<!-- netsize -->"  # by which its own comment is found again
MOST = 65_000  # characters that GitHub takes
PAGES = 10  # of 100 comments that are looked through
SECONDS = 20


class NoComment(NetsizeError):
    """It could not be written; why."""


def comment(text: str) -> None:
    """Write or change it, as the workflow's own variables say where. Raises NoComment: a fork has no token that may."""
    token, repository = os.environ.get("GITHUB_TOKEN", ""), os.environ.get("GITHUB_REPOSITORY", "")
    number = _number()
    if not token or not repository or number is None:
        what = "pull request" if number is None else "GITHUB_TOKEN" if not token else "GITHUB_REPOSITORY"
        raise NoComment(f"no comment: there is no {what}")
    comments = f"/repos/{repository}/issues/{number}/comments"
    body = {"body": f"{MARK}\n{text}"[:MOST]}
    try:
        for page in range(1, PAGES + 1):
            there = _asked("GET", f"{comments}?per_page=100&page={page}", token)
            for one in there:
                if str(one["body"]).startswith(MARK):
                    _asked("PATCH", f"/repos/{repository}/issues/comments/{int(one['id'])}", token, body)
                    return
            if len(there) < 100:
                break
        _asked("POST", comments, token, body)
    except (OSError, ValueError, KeyError, TypeError) as error:  # URLError is an OSError
        why = error.reason if isinstance(error, URLError) else error
        raise NoComment(f"no comment: GitHub says {why}") from error


def _number() -> int | None:
    """Of the pull request, from the event that started the workflow."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _asked(method: str, path: str, token: str, body: Any = None) -> Any:
    address = os.environ.get("GITHUB_API_URL", "https://api.github.com") + path
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(address, content, headers, method=method), timeout=SECONDS) as answer:
        return json.loads(answer.read())
