"""A command line that was answered before is answered at once: what it prints of the facts that are remembered by then
is kept with them. Parsing and laying out are three quarters of the time of a remembered answer.

It is printed if the same facts would be found for it, and shown in the same way: what is kept has the question that was
asked, and is of no use once those facts are others or forgotten.
"""

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any

from netsize.commands.terminal import columns, complain, on_terminal, write
from netsize.errors import NetsizeError
from netsize.facts.cache import key_of, release
from netsize.facts.question import Question
from netsize.files import entries

_SHOWING = ("LINES", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "UNICODE_VERSION", "LANG")  # what rich looks at
_SHOWING_AFTER = ("TTY_", "JUPYTER_", "LC_")
_line: list[str] | None = None  # that this process was started for, if it is netsize's own


def again(line: list[str]) -> int | None:
    """Print what was printed for this command line; its exit status. None: nothing was, or it may be something else by
    now."""
    global _line
    if sys.stdout is None or _names_a_file(line):
        return None
    _line = line
    entry = entries.read(_key(line), entries.PRINTED)
    with suppress(KeyError, TypeError, ValueError):
        if entry is not None and entry.header["facts"] == _facts(_question(entry.header["question"])):
            status = int(entry.header["status"])
            try:
                write(entry.body, None)
            except NetsizeError as error:
                complain(error)
                status = error.status
            return status
    return None


def keeps(question: Question) -> bool:
    """Whether what is told of it may be kept: by the process of a command line, and not where Python files say what the
    network is. (Lines that name another file are not even looked up.)"""
    return _line is not None and not question.own_files


def keep(question: Question, text: str, status: int) -> None:
    """What the command line of this process prints of facts that are remembered, and its exit status."""
    if _line is None:
        return
    asked = json.loads(json.dumps(vars(question), default=str))
    facts = _facts(_question(asked))
    if facts is not None and facts == _facts(question):  # it is the same after it was written and read
        entries.write(_key(_line), {"question": asked, "facts": facts, "status": status}, text, entries.PRINTED)


def _names_a_file(line: list[str]) -> bool:
    """Something lies here that is called like a word of it: a folder may be the model by now."""
    return any(os.path.lexists(part) for word in line for part in (word, word.partition("@")[0]))


def _key(line: list[str]) -> str:
    """The words, and all that decides how an answer is shown."""
    environment = {
        name: value for name, value in os.environ.items() if name in _SHOWING or name.startswith(_SHOWING_AFTER)
    }
    shown = (columns(), on_terminal(), sys.stdout.encoding, environment, time.tzname, time.timezone, time.altzone)
    return json.dumps([line, shown, sys.version, release("rich")], sort_keys=True)


def _question(asked: dict[str, Any]) -> Question:
    """Raises TypeError, KeyError."""
    return Question(**{**asked, "settings": tuple((name, value) for name, value in asked["settings"])})


def _facts(question: Question) -> str | None:
    """What tells the facts that are remembered for it from all others; None if there are none."""
    key = key_of(question)
    return None if key is None else entries.digest(key)
