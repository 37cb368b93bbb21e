"""The columns of a file of time entries, and what its rows say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.domains.billing.time_capture.entries import Work
from app.values.csv_file import BadValue, Column
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.values.csv_file import Record


def words(*, longest: int) -> Callable[[str], str]:
    """Text up to so many characters."""

    def parse(text: str) -> str:
        if len(text) > longest:
            raise BadValue(f"{quoted(text)} has {len(text)} characters; {longest} are allowed")
        return text

    return parse


COLUMNS = (
    Column(name="key", parse=words(longest=200)),
    Column(name="client", parse=words(longest=200)),
    Column(name="project", parse=words(longest=200)),
    Column(name="worker", parse=words(longest=254), required=False),
    Column(name="started_at", parse=words(longest=40)),
    Column(name="ended_at", parse=words(longest=40)),
    Column(name="timezone", parse=words(longest=64), required=False),
    Column(name="description", parse=words(longest=1_000), required=False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row whose cells can be used."""

    line: int
    key: str
    client: str
    project: str
    #: A mail address; None is whoever imports.
    worker: str | None
    work: Work

    @classmethod
    def of(cls, record: Record) -> Self:
        """What a record of `COLUMNS` says."""
        key, client, project, worker, started_at, ended_at, timezone, description = (
            None if value is None else str(value) for value in record.values
        )
        work = Work(
            started_at=started_at or "",
            ended_at=ended_at or "",
            timezone=timezone,
            description=description or "",
        )
        return cls(
            line=record.line,
            key=key or "",
            client=client or "",
            project=project or "",
            worker=worker,
            work=work,
        )
