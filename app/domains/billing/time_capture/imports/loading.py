"""Writes the rows of a file as entries: new ones are made, pending ones changed, and decided ones left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from app.db.upsert import insert_or_update
from app.domains.billing.time_capture.imports.naming import BadRow, named_by
from app.domains.billing.time_capture.models import EntryState, Source, TimeEntry
from app.errors import InvalidInput
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.time_capture.imports.columns import Row
    from app.domains.billing.time_capture.imports.naming import Importer

    #: Says of a row, by its line, why it is left out.
    Refuse = Callable[[int, str], None]

#: Of an entry: its project and its name where it came from.
Key = tuple[int, str]


@dataclass(kw_only=True)
class Imported:
    """What became of the rows of a file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An entry as a row tells it."""

    line: int
    key: str
    entry: Entry
    description: str

    @property
    def at(self) -> Key:
        return self.entry.project_id, self.key

    def columns(self) -> dict[str, Any]:
        return {
            "started_at": self.entry.start,
            "ended_at": self.entry.end,
            "timezone": self.entry.timezone,
            "description": self.description,
        }

    def row(self, *, now: datetime) -> dict[str, Any]:
        return self.columns() | {
            "project_id": self.entry.project_id,
            "user_id": self.entry.worker_id,
            "source": Source.IMPORTED,
            "external_key": self.key,
            "state": EntryState.PENDING,
            "created_at": now,
            "changed_at": now,
        }


def load(
    session: Session,
    rows: Sequence[Row],
    *,
    importer: Importer,
    now: datetime,
    done: Imported,
    refuse: Refuse,
) -> None:
    """Have the database say what `rows` say, and count in `done` what that took; `refuse` hears of others."""
    told = _told(session, rows, importer=importer, refuse=refuse)
    rest = _update(session, told, now=now, done=done, refuse=refuse)
    # What another import made meanwhile is there by now, and is compared with.
    raced = _insert(session, rest, now=now, done=done)
    if raced:
        _update(session, raced, now=now, done=done, refuse=refuse)


def _told(session: Session, rows: Sequence[Row], *, importer: Importer, refuse: Refuse) -> list[_Told]:
    named = named_by(session, rows, importer=importer)
    found = []
    for row in rows:
        try:
            entry = named.entry(row)
        except (BadRow, InvalidInput) as error:
            refuse(row.line, str(error))
            continue
        found.append(_Told(line=row.line, key=row.key, entry=entry, description=row.work.description))
    # In one order, so that two imports never wait for each other.
    return sorted(found, key=lambda told: told.at)


def _update(
    session: Session, told: Sequence[_Told], *, now: datetime, done: Imported, refuse: Refuse
) -> list[_Told]:
    """Change the entries that are there; what is not."""
    stored = _stored(session, told)
    changed = []
    for one in told:
        row = stored.get(one.at)
        if row is None:
            continue
        if row.user_id != one.entry.worker_id:
            refuse(one.line, f"the key {quoted(one.key)} is that of another worker's entry in this project")
        elif not _differs(row, one.columns()):
            done.unchanged += 1
        else:
            changed.append((one, row))
    _lock(session, [row for _, row in changed])
    for one, row in changed:
        if row.state != EntryState.PENDING:
            has = f"entry {row.id} has the key {quoted(one.key)}"
            refuse(one.line, f"{has}, is {row.state} and stays as it is")
            continue
        _apply(row, one.columns() | {"changed_at": now})
        done.updated += 1
    session.flush()
    return [one for one in told if one.at not in stored]


def _stored(session: Session, told: Sequence[_Told]) -> dict[Key, TimeEntry]:
    # Pairs: both lists by themselves would be tried in every combination.
    keys = tuple_(TimeEntry.project_id, TimeEntry.external_key)
    found = select(TimeEntry).where(keys.in_([one.at for one in told]))
    rows = session.scalars(found.execution_options(populate_existing=True))
    return {(row.project_id, row.external_key or ""): row for row in rows}


def _lock(session: Session, rows: Sequence[TimeEntry]) -> None:
    """Have `rows` be as they are now, and stay so where they are pending; no other is changed."""
    ids = [row.id for row in rows]
    again = select(TimeEntry).where(TimeEntry.id.in_(ids)).execution_options(populate_existing=True)
    pending = again.where(TimeEntry.state == EntryState.PENDING).order_by(TimeEntry.id).with_for_update()
    locked = {row.id for row in session.scalars(pending)}
    session.scalars(again.where(TimeEntry.id.in_(set(ids) - locked))).all()


def _differs(row: TimeEntry, columns: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in columns.items())


def _apply(row: TimeEntry, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)


def _insert(session: Session, told: Sequence[_Told], *, now: datetime, done: Imported) -> list[_Told]:
    """Make entries; those whose key somebody else took just now."""
    if not told:
        return []
    made = (
        insert_or_update(session, TimeEntry)
        .on_conflict_do_nothing(index_elements=[TimeEntry.project_id, TimeEntry.external_key])
        .returning(TimeEntry.project_id, TimeEntry.external_key)
    )
    # As parameters: a statement with all values in it would be compiled anew for each part of a file.
    rows = session.execute(made, [one.row(now=now) for one in told])
    keys = {(project_id, key) for project_id, key in rows}
    done.created += len(keys)
    return [one for one in told if one.at not in keys]
