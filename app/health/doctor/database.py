"""Checks of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from app.db.clock import clock
from app.db.migrations.revisions import current_revision, known_revisions, newest_revision
from app.db.sessions import reading
from app.health.doctor.finding import Finding
from app.logs.failures import masked_database_url
from app.settings.config import settings

ABOUT = "database"
#: Leases and due times use the database's clock; people read the host's.
CLOCK_TOLERANCE = timedelta(seconds=2)


def database_answers() -> Finding:
    """Whether the database is there and lets us in."""
    with reading() as session:
        session.execute(text("SELECT 1"))
    return Finding.ok(ABOUT, f"The database {masked_database_url()} answers.")


def database_suits() -> Finding:
    """What kind of database it is."""
    if settings().is_sqlite:
        return Finding.warning(
            ABOUT,
            "The ledger is a SQLite file: one process writes at a time, and only this host can run workers.",
            fix="For more, set GROUNDWORK_DATABASE_URL to a PostgreSQL database and run: groundwork migrate",
        )
    return Finding.ok(ABOUT, "The ledger is in PostgreSQL.")


def migrations_are_current() -> Finding:
    """Whether the database has the shape this release needs."""
    current, newest = current_revision(), newest_revision()
    if current == newest:
        return Finding.ok(ABOUT, f"The database is at revision {current}.")
    if current is not None and current not in known_revisions():
        return Finding.problem(
            ABOUT,
            f"The database is at revision {current}, which this release ({newest}) does not know.",
            fix="Run the release that made it; this one is older.",
        )
    return Finding.problem(
        ABOUT,
        f"The database is at revision {current or 'none'}, this release needs {newest}.",
        fix="Run: groundwork migrate",
    )


def clocks_agree() -> Finding:
    """Whether this host and the database tell the same time."""
    with reading() as session:
        before = datetime.now(UTC)
        theirs = session.scalars(select(clock())).one()
        after = datetime.now(UTC)
    difference = abs(theirs - (before + (after - before) / 2))
    said = f"The clocks of this host and of the database differ by {difference.total_seconds():.1f} s"
    if difference > CLOCK_TOLERANCE:
        return Finding.problem(
            ABOUT, f"{said}.", fix="Synchronise both with a time server: timedatectl set-ntp true"
        )
    return Finding.ok(ABOUT, f"{said}.")
