"""The triggers that note each end of a job, there while the settings name a mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, text

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import TERMINAL
from app.outbound.mirror.models import ResultNote

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NAMES = ("note_ended_job", "note_job_made_ended")
_ENDED = ", ".join(sorted(f"'{state.value}'" for state in TERMINAL))
#: Others wait behind whoever waits for this lock, so that it is tried for a moment and then later.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '500ms'"
_WHEN = {
    NAMES[0]: (
        "AFTER UPDATE OF state",
        f"NEW.state IN ({_ENDED}) AND OLD.state <> NEW.state",
    ),
    NAMES[1]: ("AFTER INSERT", f"NEW.state IN ({_ENDED})"),
}
_FUNCTION = """
    CREATE OR REPLACE FUNCTION note_ended_job() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO result_outbox (job_id, noted_at) VALUES (NEW.id, clock_timestamp());
        RETURN NULL;
    END $$
"""
_SQLITE_BODY = """
    BEGIN
        INSERT INTO result_outbox (job_id, noted_at)
        VALUES (NEW.id, strftime('%Y-%m-%d %H:%M:%f000', 'now'));
    END
"""


def are_there() -> bool:
    """Whether ends of jobs are noted."""
    with reading() as session:
        return _are_there(session)


def put() -> None:
    """Have ends of jobs noted from now on."""
    with transaction() as session:
        if _are_there(session):
            return
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        if not is_sqlite:
            session.execute(text(_LOCK_TIMEOUT))
            session.execute(text(_FUNCTION))
        for name, (event, condition) in _WHEN.items():
            body = _SQLITE_BODY if is_sqlite else "EXECUTE FUNCTION note_ended_job()"
            when = f"{event} ON job FOR EACH ROW WHEN ({condition})"
            session.execute(text(f"CREATE TRIGGER {name} {when} {body}"))


def remove() -> None:
    """Have them noted no more, and forget what was noted."""
    with transaction() as session:
        if not _are_there(session):
            return
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        if not is_sqlite:
            session.execute(text(_LOCK_TIMEOUT))
        for name in NAMES:
            session.execute(text(f"DROP TRIGGER {name}" + ("" if is_sqlite else " ON job")))
        session.execute(delete(ResultNote))


def _are_there(session: Session) -> bool:
    if session.get_bind().dialect.name == "sqlite":
        found = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    else:
        found = text("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'job'::regclass AND tgname = :name")
    return all(session.scalar(found, {"name": name}) for name in NAMES)
