"""The database's shape: what the migrations make, and which one a service accepts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from app.db.clock import clock
from app.db.columns import Base
from app.db.engine import LOCK_TIMEOUT
from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.accounts.models import User
from app.outbound.mail.models import Suppression
from app.packages import modules
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine


#: What only the release before uses, which may serve again: the one after the next drops it.
RETIRED = ["pace"]


def test_the_migrations_make_what_the_models_say(database: Engine) -> None:
    modules("models")
    assert "token" in Base.metadata.tables
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        steps = compare_metadata(context, Base.metadata)
    assert [(what, table.name) for what, table in steps] == [("remove_table", name) for name in RETIRED]


def test_the_name_of_a_step_begins_with_its_revision() -> None:
    script = ScriptDirectory(str(revisions.FOLDER), recursive_version_locations=True)
    assert revisions.known_revisions() == {step.revision for step in script.walk_revisions()}
    assert revisions.newest_revision() == script.get_current_head()


def test_an_empty_database_is_at_no_revision(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(database_url=f"sqlite:///{tmp_path}/empty.db")
    assert revisions.current_revision() is None


def at_revision(revision: str) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_older_database_is_refused_and_a_newer_one_is_not(database: Engine) -> None:
    assert database
    revisions.refuse_outdated()
    at_revision("0001")
    with pytest.raises(revisions.NotMigrated, match=r"at revision 0001.*groundwork migrate"):
        revisions.refuse_outdated()
    at_revision("9999")
    revisions.refuse_outdated()


def test_the_keys_of_addresses_are_renewed_where_nobody_else_has_them(database: Engine) -> None:
    assert database
    with transaction() as session:
        # Both were one user before: the address of the first, in capitals, had the key of the second.
        for email, key in (("STRASSE@b.org", "strasse@b.org"), ("Straße@b.org", "x"), ("straße@B.org", "y")):
            session.execute(
                insert(User).values(
                    email=email,
                    email_key=key,
                    name="Ann",
                    timezone="UTC",
                    locale="en",
                    preferences={},
                    created_at=clock(),
                )
            )
        session.execute(insert(Suppression).values(address="a@müller.de", reason="", created_at=clock()))
    at_revision("0006")
    revisions.upgrade(to="0007")
    with reading() as session:
        assert session.scalars(select(User.email_key).order_by(User.id)).all() == [
            "strasse@b.org",
            "straße@b.org",
            "y",
        ]
        assert session.scalars(select(Suppression.address)).all() == ["a@xn--mller-kva.de"]


def test_an_upgrade_leaves_what_the_release_before_works_with(
    configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(database_url=f"sqlite:///{tmp_path}/before.db")
    revisions.upgrade(to="0018")
    with transaction() as session:
        session.execute(text("INSERT INTO pace VALUES ('plaid', '2026-01-01 00:00:00.000000')"))
    revisions.upgrade()
    with reading() as session:
        assert session.scalars(text("SELECT name FROM pace")).all() == ["plaid"]


def test_a_database_that_does_not_answer_is_not_judged(configure: Callable[..., None]) -> None:
    configure(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    revisions.refuse_outdated()


def test_a_migration_that_has_to_wait_gives_up_and_leaves_everything_as_it_was(
    database: Engine,
) -> None:
    if database.dialect.name == "sqlite":
        pytest.skip("SQLite has no lock timeout of its own")
    at_revision("0001")
    with database.connect() as other:
        other.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            revisions.upgrade()
        assert time.monotonic() - began < LOCK_TIMEOUT.total_seconds()
    assert revisions.current_revision() == "0001"
