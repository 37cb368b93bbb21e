"""Everything that is known about a job as one document, to be handed on.

Each package adds what it knows by a module `evidence` with `SECTIONS`. Whoever is given it reads no more than
somebody who operates the service: what is personal, sensitive or secret is masked in it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from app.db.clock import now
from app.errors import Unavailable
from app.jobs.broker.current import broker
from app.jobs.service import detail_of
from app.jobs.web import permissions
from app.packages import modules
from app.settings.config import settings
from app.tokens.callers import STRANGER
from app.tokens.scope import EVERYTHING, is_personal, known_scopes
from app.values.typed_json import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from app.jobs.views import JobDetail
    from app.tokens.callers import Caller

    Looking = Callable[[], AbstractContextManager[Session]]
    Section = Callable[[Session, "Subject"], Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The job that it is about, as whoever is given it may see it."""

    job: JobDetail
    #: The user of whose acts alone it may tell; None for those of all.
    only_user: int | None


def evidence_of(job_id: str, *, looking: Looking, caller: Caller | None = None) -> dict[str, Any]:
    """The document, as far as `caller` may see it; each part by a session of `looking`. Raises `JobNotFound`.

    A part that takes too long is left out, and that is said in its place.
    """
    with looking() as session:
        detail = detail_of(session, job_id=job_id, asks_broker=False)
        made_at = now(session)
    whole = permissions.shown_whole(detail, caller=_reader(caller))
    subject = Subject(job=whole, only_user=caller.only_user if caller else None)
    found: dict[str, Any] = {
        "about": f"job {job_id}",
        "made_at": made_at,
        "masked": "What is personal, sensitive or secret shows as ***.",
        "versions": _left_out_or(_versions, subject, looking=looking),
        "job": whole.model_dump(mode="json"),
    }
    for module in modules("evidence"):
        for name, section in module.SECTIONS.items():
            found[name] = _left_out_or(section, subject, looking=looking)
    document: dict[str, Any] = shown(found)
    return document


def _reader(caller: Caller | None) -> Caller:
    """Somebody who operates the service, and may do no more than `caller`."""
    scopes = {scope for scope in known_scopes() if not is_personal(scope)}
    if caller is not None and not caller.may(EVERYTHING):
        scopes &= caller.scopes
    return replace(caller or STRANGER, name="evidence", scopes=frozenset(scopes), user_id=0)


def _left_out_or(section: Section, subject: Subject, *, looking: Looking) -> Any:
    try:
        with looking() as session:
            return section(session, subject)
    except Unavailable as error:
        return {"left_out": str(error)}


def _versions(session: Session, _subject: Subject) -> dict[str, Any]:
    dialect = session.connection().dialect
    return {
        "groundwork": version("groundwork"),
        "release": settings().release,
        "schema": session.scalar(text("SELECT version_num FROM alembic_version")),
        "python": platform.python_version(),
        "database": f"{dialect.name} {'.'.join(map(str, dialect.server_version_info or ()))}",
        "broker": broker().kind,
    }
