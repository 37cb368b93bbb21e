"""Exports: all that is held about a person, row by row, in an archive that only the passphrase opens."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pypdf
import pytest
import pyzipper
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.clock import now
from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.notifications.models import Notification
from app.domains.privacy.errors import (
    AlreadyErased,
    ErasedMeanwhile,
    ExportNotFound,
    ExportNotReady,
    ExportRunning,
    PassphraseWasShown,
)
from app.domains.privacy.exporting import service
from app.domains.privacy.models import Export, ExportState, Format
from app.outbound.deliveries.models import Delivery
from app.outbound.mail.message import from_content
from app.personal_data.registry import personal_tables
from app.personal_data.rows import stream
from app.storage.errors import NoSuchFile
from app.storage.stores import store
from tests.checkpoints import committing
from tests.domains.privacy import someone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from app.db.checkpoint import Checkpoint
    from tests.owners.belongings import Belongings

pytestmark = pytest.mark.databases("sqlite")
BOTH = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def ann(database: Engine, tmp_path: Path, configure: Callable[..., None]) -> Belongings:
    configure(storage=str(tmp_path / "store"))
    return someone.everything("canary-ann")


def request(who: Belongings, kind: Format = Format.JSON) -> int:
    with transaction() as session:
        return service.request(session, user_id=who.user, kind=kind, requested_by="test")[0].id


def make(who: Belongings, kind: Format = Format.JSON, commit: Checkpoint | None = None) -> Export:
    """One attempt of the job in this process."""
    with Session(engine(), expire_on_commit=False) as session, using(session):
        made = service.make(
            session,
            user_id=who.user,
            kind=kind,
            requested_by="test",
            commit=commit or committing(session),
        )
        session.commit()
        return made


def passphrase(who: Belongings, export_id: int) -> str:
    with transaction() as session:
        return service.take_passphrase(session, user_id=who.user, export_id=export_id)


def opened(who: Belongings, made: Export) -> dict[str, bytes]:
    """The files of an archive, as the person opens it."""
    archive = b"".join(store().chunks(made.stored_as or ""))
    with pyzipper.AESZipFile(io.BytesIO(archive)) as file:
        assert all(one.is_encrypted and one.wz_aes_strength == 3 for one in file.infolist())
        file.setpassword(passphrase(who, made.id).encode())
        return {name: file.read(name) for name in file.namelist()}


def expected(who: Belongings) -> dict[str, list[Mapping[str, Any]]]:
    with reading() as session:
        whom = someone.subject(who)
        return {table.name: list(stream(session, table, whom)) for table in personal_tables()}


@BOTH
def test_an_export_has_every_row_and_no_secret(ann: Belongings) -> None:
    someone.everything("canary-bob")
    request(ann)
    stored = expected(ann)
    files = opened(ann, make(ann))
    assert files.keys() == {"README.txt", *(f"{table.name}.json" for table in personal_tables())}
    for table in personal_tables():
        rows = json.loads(files[f"{table.name}.json"])
        assert [list(row) for row in rows] == [list(row) for row in stored[table.name]], table.name
        for row, was in zip(rows, stored[table.name], strict=True):
            assert {name: str(value) for name, value in row.items()} == {
                name: str(plain(value)) for name, value in was.items()
            }, table.name
            assert not set(row) & set(table.withheld)
    whole = b"".join(files.values())
    assert b"canary-bob" not in whole
    assert b"canary-ann-token" not in whole
    assert b"canary-ann-device" not in whole
    assert b"account_password.password_hash: It is the hash of a secret." in files["README.txt"]


def plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_csv_has_the_same_and_no_formulas(ann: Belongings) -> None:
    with transaction() as session:
        note = session.scalars(select(Notification).where(Notification.user_id == ann.user)).first()
        assert note
        note.title, note.body = "=HYPERLINK(1)", 'Ω "quoted",\nnext line'
    request(ann, Format.CSV)
    stored = expected(ann)
    files = opened(ann, make(ann))
    for name, rows in stored.items():
        read = list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode(), newline="")))
        assert len(read) == len(rows), name
    (row,) = csv.DictReader(io.StringIO(files["notification.csv"].decode(), newline=""))
    assert (row["title"], row["body"]) == ("'=HYPERLINK(1)", 'Ω "quoted",\nnext line')


def test_pdfs_are_for_people_to_read(ann: Belongings) -> None:
    with transaction() as session:
        note = session.scalars(select(Notification).where(Notification.user_id == ann.user)).first()
        assert note
        note.title, note.body = "#panic()", "x" * 2_000
    request(ann, Format.PDF)
    files = opened(ann, make(ann))
    pages = pypdf.PdfReader(io.BytesIO(files["notification-0001.pdf"])).pages
    text = "".join(page.extract_text() for page in pages)
    assert "notification, part 1" in text
    assert "#panic()" in text
    assert text.count("x") >= 2_000


def test_the_archive_tells_nothing_without_the_passphrase(ann: Belongings) -> None:
    request(ann)
    made = make(ann)
    archive = b"".join(store().chunks(made.stored_as or ""))
    assert b"canary-ann" not in archive
    with pyzipper.AESZipFile(io.BytesIO(archive)) as file:
        file.setpassword(b"another")
        with pytest.raises(RuntimeError, match="password"):
            file.read("account_user.json")


def test_the_person_gets_a_link_by_mail_and_the_passphrase_once(ann: Belongings) -> None:
    export_id = request(ann)
    with pytest.raises(ExportNotReady, match="is waiting"):
        passphrase(ann, export_id)
    made = make(ann)
    with reading() as session:
        delivery = session.scalars(select(Delivery).where(Delivery.key == f"export:{export_id}")).one()
    assert delivery.recipient == ann.email
    mail = from_content(delivery.key, delivery.content)
    assert re.search(r"https?://\S+/api/v1/files\?token=gwf_", mail.text)
    assert "gwf_" not in json.dumps(delivery.content)
    told = passphrase(ann, export_id)
    assert re.fullmatch(r"([A-Z2-7]{4}-){7}[A-Z2-7]{4}", told)
    assert told not in mail.text
    with pytest.raises(PassphraseWasShown, match="Ask for another export"):
        passphrase(ann, made.id)
    with pytest.raises(ExportNotFound), transaction() as session:
        service.take_passphrase(session, user_id=ann.user + 1, export_id=export_id)


def test_one_at_a_time_is_made(ann: Belongings) -> None:
    request(ann)
    with pytest.raises(ExportRunning, match="is being made"):
        request(ann)
    make(ann)
    request(ann)


def test_a_second_run_makes_no_second_one(ann: Belongings) -> None:
    """The first died when the archive was stored, and what it knew was not."""
    request(ann)
    first = make(ann)
    with transaction() as session:
        again = session.get_one(Export, first.id)
        again.state, again.stored_as, again.ready_at = ExportState.WAITING, None, None
    second = make(ann)
    assert (second.id, second.stored_as) == (first.id, first.stored_as)
    with reading() as session:
        keys = session.scalars(select(Delivery.key).where(Delivery.key.startswith("export:"))).all()
    assert keys == [f"export:{first.id}"]


def test_what_has_expired_is_purged(ann: Belongings) -> None:
    request(ann)
    made = make(ann)
    assert purge() == 0
    with transaction() as session:
        session.get_one(Export, made.id).expires_at = now(session) - timedelta(seconds=1)
    assert [purge(), purge()] == [1, 0]
    with pytest.raises(NoSuchFile):
        store().size(made.stored_as or "")
    with reading() as session:
        assert session.get_one(Export, made.id).state == ExportState.PURGED


def purge() -> int:
    with Session(engine(), expire_on_commit=False) as session:
        return service.purge(session, commit=committing(session))


def test_erasing_takes_the_archive_along(ann: Belongings) -> None:
    request(ann)
    made = make(ann)
    someone.confirm(ann)
    someone.erase(ann)
    with pytest.raises(NoSuchFile):
        store().size(made.stored_as or "")
    with pytest.raises(AlreadyErased):
        request(ann)


def test_an_export_whose_person_is_erased_meanwhile_leaves_nothing(ann: Belongings) -> None:
    export_id = request(ann)

    with Session(engine(), expire_on_commit=False) as session, using(session):

        def checkpoint(_progress: object = None, /) -> None:
            session.commit()
            someone.confirm(ann)

        with pytest.raises(ErasedMeanwhile):
            service.make(session, user_id=ann.user, kind=Format.JSON, requested_by="test", commit=checkpoint)
    with pytest.raises(NoSuchFile):
        store().size(f"exports/{ann.user}/{export_id}.zip")


def test_many_rows_are_read_a_page_at_a_time(ann: Belongings) -> None:
    table = next(one for one in personal_tables() if one.name == "notification")
    rows = [
        {"key": f"n{number}", "user_id": ann.user, "type": "t", "title": "t", "body": "b", "data": {}}
        | {"in_inbox": True, "created_at": someone.AT}
        for number in range(25)
    ]
    with transaction() as session:
        session.add_all(Notification(**row) for row in rows)
    with reading() as session:
        whom = someone.subject(ann)
        whole = list(stream(session, table, whom))
        assert list(stream(session, table, whom, batch=10)) == whole
        assert len(whole) == 26
