"""Carries the checks out, writes down what they found, and opens and closes alerts; nothing here commits.

A check that fails or hangs is one row that says so, and the others are carried out.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import now as db_now
from app.db.pages import Page, cut
from app.db.upsert import insert_or_update
from app.errors import InvalidInput
from app.health.bounded import NoAnswer, within
from app.health.checks.looks import CHECKS
from app.health.checks.models import CheckState, HealthCheck
from app.health.doctor.carrying_out import failed
from app.health.doctor.finding import Level
from app.jobs.ledger.encoding import text
from app.outbound.alerts import service as alerts
from app.outbound.alerts.look import Look, Problem
from app.schedule.spec import every

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.health.checks.check import Check, Found

#: What runs twice in it is one effect.
WINDOW = every(timedelta(seconds=300))
TIMEOUT = timedelta(seconds=10)
ALL_WELL = "All is well."


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A check that was carried out."""

    check: Check
    state: CheckState
    sentence: str
    milliseconds: int
    found: Found | None


def carry_out_all(checks: Sequence[Check] = CHECKS) -> list[Carried]:
    """Every check, one after the other. None of them raises, and none takes longer than `TIMEOUT`."""
    return [_carry_out(check) for check in checks]


def record(session: Session, carried: Sequence[Carried]) -> None:
    """Keep what was found, a row for each check and window, and open and close alerts by it."""
    now = db_now(session)
    for one in carried:
        _write(session, one, now=now)
    alerts.take(session, [look for one in carried if (look := _look_of(one)) is not None])


class UnknownKind(InvalidInput):
    """Raised for a kind that no check has."""

    code = "unknown_check"

    def __init__(self, *, kind: str) -> None:
        kinds = ", ".join(check.kind for check in CHECKS)
        super().__init__(f"There is no check {kind!a}. The checks are: {kinds}.")


def newest(session: Session, *, kind: str | None, before: int | None, limit: int) -> Page:
    """What was found last, of all kinds or one. Raises `UnknownKind`."""
    rows = select(HealthCheck).order_by(HealthCheck.id.desc())
    if kind is not None:
        if kind not in {check.kind for check in CHECKS}:
            raise UnknownKind(kind=kind)
        rows = rows.where(HealthCheck.kind == kind)
    if before is not None:
        rows = rows.where(HealthCheck.id < before)
    return cut(session, rows, limit=limit)


def _carry_out(check: Check) -> Carried:
    begun = time.monotonic()
    found: Found | None = None
    try:
        found = within(TIMEOUT, check.look, name=check.kind)
        state, sentence = _summary(found)
    except NoAnswer as error:
        state, sentence = CheckState.UNKNOWN, f"{error}."
    except Exception as error:  # a check that fails has found something, too
        state, sentence = CheckState.PROBLEM, failed(error, about=check.kind).sentence
    took = round((time.monotonic() - begun) * 1_000)
    return Carried(check=check, state=state, sentence=text(sentence), milliseconds=took, found=found)


def _summary(found: Found) -> tuple[CheckState, str]:
    """The worst of what was found, and all that is not well in sentences."""
    levels = list(Level)
    worst = max((finding.level for finding in found.findings.values()), key=levels.index, default=Level.OK)
    wrong = [finding for finding in found.findings.values() if finding.level == worst]
    return CheckState(worst.value), " ".join(finding.sentence for finding in wrong) or ALL_WELL


def _write(session: Session, one: Carried, *, now: datetime) -> None:
    values = {
        "state": one.state,
        "sentence": one.sentence,
        "value": one.found.value if one.found else None,
        "milliseconds": one.milliseconds,
        "host": socket.gethostname(),
        "checked_at": now,
    }
    row = insert_or_update(session, HealthCheck).values(
        window_at=WINDOW.previous(now), kind=one.check.kind, **values
    )
    session.execute(row.on_conflict_do_update(index_elements=["window_at", "kind"], set_=values))


def _look_of(one: Carried) -> Look | None:
    """What alerts are to know of it; None where nothing is known."""
    if one.state is CheckState.UNKNOWN or one.check.momentary:
        return None
    if one.found is not None:
        return look_of(one.check, one.found)
    subject = one.check.own_subject
    problems = {subject: Problem(sentence=one.sentence)}
    return Look(kind=one.check.kind, problems=problems, subjects=frozenset({subject}))


def look_of(check: Check, found: Found) -> Look:
    """A look for alerts, of what was found by `check`."""
    problems = {
        subject: Problem(sentence=finding.sentence, fix=finding.fix)
        for subject, finding in found.findings.items()
        if finding.level is Level.PROBLEM
    }
    judged = frozenset({check.own_subject}) if check.of_host else found.judged
    return Look(kind=check.kind, problems=problems, subjects=judged)
