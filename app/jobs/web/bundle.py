"""Everything that is known about a job as one document, to be handed on.

Each package adds what it knows by a module `evidence` with `SECTIONS`. Whoever is given it reads no more than
somebody who operates the service: what is personal, sensitive or secret is masked in it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from functools import partial
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
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from app.jobs.views import JobDetail
    from app.tokens.callers import Caller

    Looking = Callable[[], AbstractContextManager[Session]]


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
    parts = parts_of(job_id, looking=looking, caller=caller)
    document: dict[str, Any] = shown({**head_of(f"job {job_id}", looking=looking), **parts})
    return document


def head_of(about: str, *, looking: Looking) -> dict[str, Any]:
    """What each document begins with."""
    with looking() as session:
        made_at = now(session)
    return {
        "about": about,
        "made_at": made_at,
        "masked": "What is personal, sensitive or secret shows as ***.",
        "versions": left_out_or(_versions, looking=looking),
    }


def parts_of(
    job_id: str, *, looking: Looking, caller: Caller | None, besides: Collection[str] = ()
) -> dict[str, Any]:
    """The job, and what each package knows of it `besides` the sections named. Raises `JobNotFound`."""
    with looking() as session:
        detail = detail_of(session, job_id=job_id, asks_broker=False)
    whole = permissions.shown_whole(detail, caller=reader_for(caller))
    subject = Subject(job=whole, only_user=caller.only_user if caller else None)
    found: dict[str, Any] = {"job": whole.model_dump(mode="json")}
    for module in modules("evidence"):
        for name, section in module.SECTIONS.items():
            if name not in besides:
                found[name] = left_out_or(partial(section, subject=subject), looking=looking)
    return found


def reader_for(caller: Caller | None) -> Caller:
    """Somebody who operates the service, and may do no more than `caller`."""
    scopes = {scope for scope in known_scopes() if not is_personal(scope)}
    if caller is not None and not caller.may(EVERYTHING):
        scopes &= caller.scopes
    return replace(caller or STRANGER, name="evidence", scopes=frozenset(scopes), user_id=0)


def left_out_or(section: Callable[[Session], Any], *, looking: Looking) -> Any:
    """What a section says, or why it is not there."""
    try:
        with looking() as session:
            return section(session)
    except Unavailable as error:
        return {"left_out": str(error)}


def _versions(session: Session) -> dict[str, Any]:
    dialect = session.connection().dialect
    return {
        "groundwork": version("groundwork"),
        "release": settings().release,
        "schema": session.scalar(text("SELECT version_num FROM alembic_version")),
        "python": platform.python_version(),
        "database": f"{dialect.name} {'.'.join(map(str, dialect.server_version_info or ()))}",
        "broker": broker().kind,
    }
