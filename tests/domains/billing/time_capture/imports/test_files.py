"""Time entries from CSV: a bad row is named and stops no other, and the same file again changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.accounts.models import User
from app.domains.billing import clients
from app.domains.billing.time_capture.imports import files
from app.domains.billing.time_capture.imports.files import Source, TooMuch, import_entries
from app.domains.billing.time_capture.imports.naming import Importer
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.values.csv_file import Problem, UnusableFile
from tests.domains.billing import trade
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from app.domains.billing.time_capture.imports.loading import Imported
    from tests.domains.billing.trade import Trade

ONE = pytest.mark.databases("sqlite")
NOW = datetime(2026, 4, 1, tzinfo=UTC)
HEADER = "key,client,project,worker,started_at,ended_at,timezone,description\n"
DAY = "2026-03-02T09:00,2026-03-02T17:00"


class Office:
    """A tenant, and files for it."""

    def __init__(self, made: Trade) -> None:
        self.made = made
        self.problems: list[Problem] = []

    def row(self, key: str = "a", *, worker: str = "", times: str = DAY, rest: str = ",,Plans") -> str:
        return f"{key},Ada Ltd client,Ada Ltd project,{worker},{times}{rest}\n"

    def load(self, *rows: str, header: str = HEADER, by: int | None = None, only: bool = False) -> Imported:
        """Import rows as the admin, or by somebody."""
        self.problems.clear()
        user_id = self.made.admin if by is None else by
        return import_entries(
            Source.of_text(header + "".join(rows), name="march.csv"),
            importer=Importer(
                tenant_id=self.made.tenant, user_id=user_id or None, only_worker=user_id if only else None
            ),
            transaction=transaction,
            now=NOW,
            tell=self.problems.append,
        )

    def said(self) -> list[str]:
        return [str(problem) for problem in self.problems]

    def join(self) -> tuple[int, str]:
        """A member, and their address."""
        return with_address(self.made.join())

    def stored(self) -> Sequence[TimeEntry]:
        with reading() as session:
            return session.scalars(select(TimeEntry).order_by(TimeEntry.external_key)).all()


def with_address(user_id: int) -> tuple[int, str]:
    with reading() as session:
        return user_id, session.get_one(User, user_id).email


def counts(done: Imported) -> tuple[int, int, int, int]:
    return done.created, done.updated, done.unchanged, done.refused


@pytest.fixture
def office(database: Engine) -> Office:
    return Office(trade.set_up())


def test_rows_become_entries_and_the_same_again_changes_nothing(office: Office) -> None:
    ann, address = office.join()
    rows = [
        office.row("a", worker=address.upper()),
        office.row("b", times="2026-03-02T09:00Z,2026-03-02T10:00Z", rest=",Asia/Tokyo,設計 שלום"),
        office.row("c", times='"2026-03-28 22:00","2026-03-29 07:00"', rest=',,"He said ""no"", twice"'),
    ]
    assert counts(office.load(*rows)) == (3, 0, 0, 0)
    first, second, third = office.stored()
    assert (first.user_id, first.started_at) == (ann, datetime(2026, 3, 2, 8, tzinfo=UTC))
    assert (first.source, first.state, first.timezone) == ("imported", "pending", trade.BERLIN)
    assert (second.user_id, second.timezone, second.description) == (
        office.made.admin,
        "Asia/Tokyo",
        "設計 שלום",
    )
    # The night in which clocks go forward.
    assert third.ended_at - third.started_at == timedelta(hours=8)
    assert third.description == 'He said "no", twice'
    for _ in range(2):
        assert counts(office.load(*rows)) == (0, 0, 3, 0)
    assert len(office.stored()) == 3


def test_a_changed_row_changes_a_pending_entry_and_no_other(office: Office) -> None:
    office.load(office.row("a"), office.row("b"), office.row("c"))
    with transaction() as session:
        for row in session.scalars(select(TimeEntry).where(TimeEntry.external_key != "a")):
            row.state = EntryState.APPROVED if row.external_key == "b" else EntryState.BILLED
    later = "2026-03-02T09:00,2026-03-02T18:00"
    done = office.load(office.row("a", times=later), office.row("b", times=later), office.row("c"))
    assert counts(done) == (0, 1, 1, 1)
    first, second, _ = office.stored()
    assert first.ended_at - second.ended_at == timedelta(hours=1)
    assert (first.created_at, first.changed_at) == (NOW, NOW)
    assert office.said() == [
        f'march.csv:3: entry {second.id} has the key "b", is approved and stays as it is'
    ]


@ONE
def test_each_bad_row_is_named_and_the_others_are_imported(office: Office) -> None:
    _, address = office.join()
    _, stranger = with_address(people.add_user())
    bad = {
        office.row("", times=DAY): "key is blank",
        office.row("a1").replace("Ada Ltd project", "Mars"): 'there is no project "Mars" for a client',
        office.row("a2").replace("Ada Ltd client", "Eve"): 'project" for a client "Eve"',
        office.row("a3", worker="nobody@example.org"): 'worker "nobody@example.org" is no member',
        office.row("a4", worker=stranger): f'worker "{stranger}" is no member of the tenant',
        office.row("a5", times="2026-03-29T02:30,2026-03-29T03:30"): "never was in Europe/Berlin",
        office.row("a6", times="2026-10-25T02:30,2026-10-25T03:30"): "2026-10-25T02:30+02:00 or 2026-10",
        office.row("a7", times="02.03.2026 09:00,x"): '"02.03.2026 09:00" is not a time: write it like',
        office.row("a8", times="9999-12-31T09:00,9999-12-31T10:00"): "is in the year 9999",
        office.row("a9", times="2026-03-02T17:00,2026-03-02T09:00"): "which is before",
        office.row("b1", rest=",Mars/Base,x"): 'There is no time zone "Mars/Base"',
        office.row("b2", rest=f",,{'x' * 1001}"): "description",
        office.row("b3", rest=",,a\u0007b"): "control character U+0007",
        office.row("b4", rest=",,x,more"): "the row has 9 cells, the header 8",
        office.row("k" * 201): "has 201 characters; 200 are allowed",
        office.row("good"): 'the key "good" is on line 2 already; keep one of them',
        office.row("b5", rest=",,\u202e\u200b"): "no visible character",
    }  # fmt: skip
    done = office.load(office.row("good"), *bad, office.row("last", worker=address))
    assert counts(done) == (2, 0, 0, len(bad))
    by_line = {problem.line: problem.reason for problem in office.problems}
    for line, (row, says) in enumerate(bad.items(), start=3):
        assert says in by_line[line], row
    assert [row.external_key for row in office.stored()] == ["good", "last"]
    assert all(said.startswith("march.csv:") and "\n" not in said for said in office.said())


@ONE
def test_a_file_may_leave_columns_out_and_come_from_excel(office: Office) -> None:
    short = "\ufeffsep=,\r\nclient,project,key,started_at,ended_at\r\n"
    row = f"Ada Ltd client,Ada Ltd project,a,{DAY}\r\n"
    assert counts(office.load(row, "\r\n", header=short)) == (1, 0, 0, 0)
    assert office.stored()[0].description == ""


@ONE
@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "march.csv: the file is empty. Its first line must be: key,client,project,worker,"),
        ("key;client;project\n", "the columns are separated by semicolons. Use commas."),
        ("key,client,project,start\n", 'the column "start" is not known'),
        (HEADER.replace("key", "key,key"), 'the column "key" appears twice'),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(office: Office, header: str, says: str) -> None:
    with pytest.raises(UnusableFile) as refused:
        office.load(header=header)
    assert says in str(refused.value)


@ONE
def test_whose_time_may_be_imported(office: Office) -> None:
    cleo, address = office.join()
    _, other = office.join()
    done = office.load(
        office.row("a"), office.row("b", worker=address), office.row("c", worker=other), by=cleo, only=True
    )
    assert counts(done) == (2, 0, 0, 1)
    assert {row.user_id for row in office.stored()} == {cleo}
    assert office.said() == [
        f'march.csv:4: worker "{other}" is no member of the tenant whose time you may import'
    ]
    assert counts(office.load(office.row("d"), by=0)) == (0, 0, 0, 1)
    assert "worker is blank; give the mail address" in office.said()[0]


@ONE
def test_another_worker_s_key_is_neither_changed_nor_shown(office: Office) -> None:
    cleo, _ = office.join()
    office.load(office.row("a"))
    done = office.load(office.row("a", times="2026-03-02T10:00,2026-03-02T11:00"), by=cleo, only=True)
    assert counts(done) == (0, 0, 0, 1)
    assert office.said() == ['march.csv:2: the key "a" is that of another worker\'s entry in this project']
    assert office.stored()[0].user_id == office.made.admin


@ONE
def test_another_tenant_s_projects_are_not_there(office: Office) -> None:
    trade.set_up(name="Else")
    done = office.load(office.row("a").replace("Ada Ltd", "Else"))
    assert counts(done) == (0, 0, 0, 1)
    assert "there is no project" in office.said()[0]


@ONE
def test_a_client_that_ended_takes_no_time(office: Office) -> None:
    with transaction() as session:
        clients.end(session, client_id=office.made.client, now=NOW)
    office.load(office.row("a"))
    assert office.said() == ['march.csv:2: the client "Ada Ltd client" has ended; reopen it first']


def test_a_key_is_a_project_s_own_and_may_be_in_two(office: Office) -> None:
    office.made.add_project("Other")
    done = office.load(office.row("a"), office.row("a").replace("Ada Ltd project", "Other"))
    assert counts(done) == (2, 0, 0, 0)


def test_one_file_imported_by_many_at_once_makes_each_entry_once(office: Office) -> None:
    rows = [office.row(f"k{number:03}") for number in range(40)]
    ready = Barrier(4)

    def load(_: int) -> Imported:
        mine = Office(office.made)
        ready.wait()
        return mine.load(*rows)

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(load, range(4)))
    assert sum(one.created for one in done) == 40
    assert sum(one.unchanged for one in done) == 120
    assert len(office.stored()) == 40


@ONE
def test_a_long_file_is_loaded_in_parts(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 2)
    rows = [office.row(f"k{number}") for number in range(5)]
    assert counts(office.load(*rows, office.row("k0"))) == (5, 0, 0, 1)


@ONE
def test_what_is_too_long_is_refused_before_anything_is_written(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "MAX_LINES", 3)
    with pytest.raises(TooMuch, match=r"march\.csv has more than 3 lines\. Nothing was imported"):
        office.load(*(office.row(f"k{number}") for number in range(3)))
    assert office.stored() == []
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    path = tmp_path / "large.csv"
    path.write_text(HEADER)
    with pytest.raises(TooMuch, match=r"large\.csv has more than 0 MiB"):
        Source.of_file(path)
    with pytest.raises(UnusableFile, match="No such file or directory"):
        Source.of_file(tmp_path / "none.csv")
