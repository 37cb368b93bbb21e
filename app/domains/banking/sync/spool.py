"""A scratch file that holds the pages of a sync until all are there.

Pages can take minutes to come, and must be applied all or none. A transaction that stayed open as long
would lock out every other writer on SQLite and hold back PostgreSQL's vacuum; all pages in memory would
not fit. So they wait in an unnamed temporary file, which the system drops with the process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Self

from app.domains.banking.facts import Aside, Movement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.banking.facts import Page


@dataclass(frozen=True, kw_only=True)
class SpooledPage:
    """What is kept of a page: first `put` is applied, then `removed`."""

    put: list[Movement]
    removed: list[str]
    aside: list[Aside]


class Spool:
    """The scratch file; gone when its `with` block ends."""

    def __enter__(self) -> Self:
        self._file = TemporaryFile("w+", encoding="utf-8", prefix="groundwork-sync-")
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def add(self, page: Page) -> None:
        """Keep a page."""
        # Not `json.dump`, which leaves what `dumps` does in C to Python.
        self._file.write(json.dumps([page.put, page.removed, page.aside], default=date.isoformat) + "\n")

    def clear(self) -> None:
        """Drop all pages."""
        self._file.seek(0)
        self._file.truncate()

    def pages(self) -> Iterator[SpooledPage]:
        """The pages in the order in which they came, one in memory at a time."""
        self._file.seek(0)
        for line in self._file:
            put, removed, aside = json.loads(line)
            yield SpooledPage(
                put=[movement_of(cells) for cells in put],
                removed=removed,
                aside=[Aside(*cells) for cells in aside],
            )


def movement_of(cells: list[Any]) -> Movement:
    """A movement that was written as JSON."""
    kept = Movement(*cells)
    authorized_on = kept.authorized_on
    return kept._replace(
        posted_on=date.fromisoformat(str(kept.posted_on)),
        authorized_on=date.fromisoformat(str(authorized_on)) if authorized_on else None,
    )
