"""What errors of the same making have in common: class and first line, without what differs each time."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

#: What differs may stand at any length; of an error, so much tells which it is.
MAX_READ = 300
UNKNOWN = "No error is known."
_CLASS = re.compile(r"[A-Za-z_][\w.]*(?=: |\Z)")
#: In this order: what is quoted may hold anything, and an id more than its digits.
_BLANKED = (
    (re.compile(r'"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|“[^”]*(?:”|\Z)|«[^»]*(?:»|\Z)'), '"…"'),
    # An apostrophe within a word opens nothing.
    (re.compile(r"(?<!\w)'[^']*(?:'(?!\w)|\Z)"), '"…"'),
    (re.compile(r"[^\s@<>]+@[^\s@<>]+"), "…"),
    (re.compile(r"\b(?=[\w-]*\d)[\w-]{6,}"), "…"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
)


class Fingerprint(NamedTuple):
    """Which error it is: the same for all of the same making, of any task."""

    #: Its class, where its text begins with one; as an operator may see it of anybody's job.
    kind: str | None
    title: str


def fingerprint(error: str | None) -> Fingerprint:
    """The fingerprint of an error as the ledger has it."""
    lines = (error or "")[:MAX_READ].strip().splitlines()
    if not lines:
        return Fingerprint(None, UNKNOWN)
    found = _CLASS.match(lines[0])
    kind = found[0] if found else None
    rest = lines[0][len(kind or "") :]
    for pattern, blank in _BLANKED:
        rest = pattern.sub(blank, rest)
    return Fingerprint(kind, f"{kind or ''}{rest}"[:MAX_READ])


def digest(task: str, title: str) -> str:
    """A short name of the errors of a task with that title."""
    return hashlib.sha256(f"{task}\n{title}".encode(errors="backslashreplace")).hexdigest()[:16]
