"""What stands around the day's jobs: deliveries, moments of schedules, releases, alerts, what people did."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from app.demonstration.day import BAD, BAD_FROM, BAD_UNTIL, DAY, GOOD
from app.domains.audit import service as audit
from app.domains.audit.facts import LoginStatus
from app.domains.audit.records import NANOSECONDS, LoginRecord, OperationRecord, new_id
from app.health.releases.models import ReleaseStart
from app.jobs.ledger.models import State, Worker
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.schedule.models import RunOutcome, ScheduleRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.demonstration.day import Piece

OPERATOR, VIEWER = "ann@example.org", "bob@example.org"
ADDRESS = "192.0.2.17"
DIED = "The worker died while the provider was being called; look there whether it was sent."
MISSED = "pricing.update_price_history"
FIRST_RELEASE = timedelta(hours=23)


def add_deliveries(session: Session, mails: Sequence[Piece]) -> list[int]:
    """The deliveries that these jobs were for, the last of those that failed uncertain; their ids."""
    rows = [_delivery(number, piece) for number, piece in enumerate(mails, start=1)]
    failed = [row for row in rows if row.state == DeliveryState.FAILED]
    for row in failed[-1:]:
        row.state, row.error = DeliveryState.UNCERTAIN, DIED
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def _delivery(number: int, piece: Piece) -> Delivery:
    is_sent, last = piece.state is State.DONE, piece.runs[-1]
    to, subject = f"customer-{number}@example.org", f"Your order ORD-{number:06}"
    return Delivery(
        key=f"demonstration:{number}",
        channel="email",
        recipient=to,
        subject=subject,
        content={"to": [to], "subject": subject, "text": "Thank you.", "html": "<p>Thank you.</p>"},
        state=DeliveryState.SENT if is_sent else DeliveryState.FAILED,
        provider="smtp",
        provider_id=f"<{piece.id}@shop.example>" if is_sent else None,
        error=last.error,
        job_id=piece.id,
        calls=len(piece.runs),
        created_at=piece.accepted_at,
        changed_at=last.finished_at,
        sent_at=last.finished_at if is_sent else None,
    )


def add_schedule_runs(session: Session, pieces: Sequence[Piece], *, now: datetime) -> None:
    """The moments at which schedules made these jobs, and one that was missed."""
    rows: list[dict[str, Any]] = [
        {
            "schedule": piece.task,
            "moment": piece.accepted_at,
            "fired_at": piece.accepted_at,
            "job_id": piece.id,
            "outcome": RunOutcome(piece.state.value),
            "started_at": piece.runs[-1].started_at,
            "finished_at": piece.runs[-1].finished_at,
        }
        for piece in pieces
    ]
    missed = (now - BAD_FROM).replace(minute=0, second=0, microsecond=0)
    unfired = {"job_id": None, "outcome": RunOutcome.MISSED, "started_at": None, "finished_at": None}
    fired_at = now - BAD_FROM + timedelta(minutes=5)
    rows.append({"schedule": MISSED, "moment": missed, "fired_at": fired_at, **unfired})
    session.execute(insert(ScheduleRun), rows)


def add_releases(session: Session, *, now: datetime) -> None:
    """A release, a bad one, and the first once more, whose workers have ended by now."""
    begun = ((GOOD, FIRST_RELEASE), (BAD, BAD_FROM), (GOOD, BAD_UNTIL))
    session.add_all(ReleaseStart(release=release, began_at=now - ago) for release, ago in begun)
    session.add_all(
        Worker(
            name=f"{node}:demonstration",
            node=node,
            release=GOOD,
            concurrency=2,
            started_at=now - BAD_UNTIL,
            seen_at=now,
            signed_off=True,
        )
        for node in ("bulk@host-1", "standard@host-1", "standard@host-2")
    )


def add_alerts(session: Session, *, now: datetime) -> None:
    """What was wrong, and is well again."""
    session.add_all(
        Alert(
            kind=kind,
            subject="",
            sentence=sentence,
            fix=fix,
            opened_at=now - ago,
            closed_at=now - ago + lasted,
        )
        for kind, sentence, fix, ago, lasted in (
            (
                "new_dead",
                "8 jobs died within the hour.",
                "Look at them: groundwork jobs list --state dead",
                BAD_FROM - timedelta(minutes=12),
                timedelta(minutes=55),
            ),
            (
                "queue_age",
                "The oldest job of the queue models has waited for 11 min.",
                "Start more workers of the pool bulk.",
                timedelta(hours=14),
                timedelta(minutes=20),
            ),
        )
    )


def add_acts(session: Session, dead: Sequence[Piece], *, now: datetime) -> None:
    """What people did: signed in, looked, and tried a dead job again."""
    acts = [
        ("JOB", "Mute alerts", "alerts/new_dead", BAD_FROM - timedelta(minutes=15)),
        ("JOB", "Tell of alerts again", "alerts/new_dead", BAD_UNTIL - timedelta(minutes=10)),
        ("POST", "Trigger a recompute", "/api/v1/admin/discounts/trigger-recompute", DAY / 3),
        ("GET", "List jobs", "/api/v1/jobs", DAY / 4),
    ]
    acts += [
        ("JOB", "Run a job again", f"/console/jobs/{piece.id}/retry", BAD_UNTIL - timedelta(minutes=number))
        for number, piece in enumerate(dead[:3], start=1)
    ]
    audit.write_operations(
        session,
        [
            OperationRecord(
                **_seen(now - ago, user=OPERATOR),
                method=method,
                title=title,
                path=path,
                status=200,
                milliseconds=12,
            ).model_dump(mode="json")
            for method, title, path, ago in acts
        ],
    )
    logins = (
        (OPERATOR, LoginStatus.SUCCESS, "", BAD_FROM - timedelta(minutes=2)),
        (VIEWER, LoginStatus.FAILURE, "The address or the password is wrong.", DAY / 5),
        (VIEWER, LoginStatus.SUCCESS, "", DAY / 5 - timedelta(minutes=1)),
    )
    audit.write_logins(
        session,
        [
            LoginRecord(**_seen(now - ago, user=user), status=status, message=message).model_dump(mode="json")
            for user, status, message, ago in logins
        ],
    )


def _seen(at: datetime, *, user: str) -> dict[str, Any]:
    return {
        "id": new_id(at=int(at.timestamp() * NANOSECONDS)),
        "at": at,
        "user_name": user,
        "address": ADDRESS,
    }
