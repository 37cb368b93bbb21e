"""What documents of other services show, and what of it is here: a table per document of `tests/seeds/`."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "seeds"
#: What documents show, by the word for one of them.
KINDS = {
    "tasks": "task",
    "schedules": "schedule",
    "queues": "queue",
    "imports": "import",
    "calls": "call",
    "commands": "command",
    "endpoints": "address",
    "settings": "setting",
    "files": "file",
}


class Status(StrEnum):
    """What became of something that a document shows."""

    WORKS = "as written"
    RENAMED = "under another name"
    MISSING = "not here"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that a document shows, what it is here, and why that is another."""

    document: str
    kind: str
    says: str
    here: str = ""
    why: str = ""
    #: The test that shows it, or how the tests of documents do.
    proof: str = ""
    #: What else the tests of its kind need.
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        if not self.why:
            return Status.WORKS
        return Status.RENAMED if self.here else Status.MISSING

    def __str__(self) -> str:
        return f"{self.document}: {self.shown}"

    @property
    def shown(self) -> str:
        """As the document writes it."""
        if self.kind == "imports":
            return f"from {self.says} import {', '.join(self.facts['names'])}"
        if self.kind == "schedules":
            return f"{self.says}: {self.facts['task']}"
        return self.says


def documents() -> list[str]:
    """The names of the documents."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def title_of(document: str) -> str:
    return str(_read(document)["title"])


def lines_of(document: str) -> list[Line]:
    """All that a document shows, in the order of `KINDS`."""
    return list(_lines(document))


def _lines(document: str) -> Iterator[Line]:
    read = _read(document)
    own = Line.__dataclass_fields__.keys()
    for kind in KINDS:
        for row in read.get(kind, []):
            facts = {name: value for name, value in row.items() if name not in own}
            known = {name: value for name, value in row.items() if name in own}
            yield Line(document=document, kind=kind, facts=facts, **known)


@cache
def _read(document: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{document}.toml").read_text())


def rows_of(document: str) -> list[tuple[str, str, str]]:
    """The rows of a document's table: what it is, what the document says, what is here."""
    return [(KINDS[line.kind], f"`{line.shown}`", _here(line)) for line in lines_of(document)]


def _here(line: Line) -> str:
    if line.status is Status.MISSING:
        return f"{Status.MISSING}: {line.why}"
    if line.status is Status.RENAMED:
        return f"`{_named(line)}`: {line.why}"
    return f"{Status.WORKS}, as `{line.here}`" if line.here else str(Status.WORKS)


def _named(line: Line) -> str:
    if line.kind == "imports":
        return f"from {line.here} import {', '.join(line.facts.get('names_here', line.facts['names']))}"
    if line.kind == "schedules":
        return f"{line.here} at {line.facts['cron_here']}"
    return line.here


def counts() -> list[tuple[str, ...]]:
    """How many lines of each document have come to what."""
    found = {name: Counter(line.status for line in lines_of(name)) for name in documents()}
    return [(title_of(name), *(str(of[status]) for status in Status)) for name, of in found.items()]
