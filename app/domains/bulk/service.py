"""Chooses jobs, begins what is to be done to them, goes on with it step by step, and stops it.

Each step is one transaction of one job: what it did to its jobs, what it wrote down of each, and the job of
the next step are committed together with its own end. Nothing here commits.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import func, insert, select, update

from app.db.clock import moving_clock, now
from app.db.pruning import kept_since, prune
from app.domains.audit.service import note_operation
from app.domains.bulk import pace as paces
from app.domains.bulk.errors import BulkActNotFound, ChosenByAnother
from app.domains.bulk.models import BulkAct, BulkActJob
from app.jobs.accept import accept
from app.jobs.chosen import BATCH, Act, Chosen, carry_out
from app.jobs.factory import new_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.bulk.pace import Pace

GO_ON_TASK = "bulk.go_on"
#: Jobs of one act.
MAX_JOBS = 10_000
#: What is chosen and not begun is forgotten after a while, and of each person beyond so many.
CHOSEN_FOR = timedelta(days=1)
MAX_CHOSEN = 10
SHOWN = 50
_TITLES = {
    Act.RETRY: "Run many jobs again",
    Act.CANCEL: "Cancel many jobs",
    Act.DISCARD: "Discard many dead jobs",
}
_PAST_TENSES = {Act.RETRY: "", Act.CANCEL: "Cancelled", Act.DISCARD: "Discarded"}


def choose(
    session: Session,
    act: Act,
    jobs: Sequence[Chosen],
    *,
    chosen_by: Sequence[tuple[str, str]],
    place: str,
    user_name: str,
    user_id: int | None,
) -> BulkAct:
    """Write down `jobs`, up to `MAX_JOBS` of them, as those that something may be done to."""
    _forget_choices_of(session, user_name)
    made = BulkAct(
        act=act.value,
        chosen_by=[list(pair) for pair in chosen_by],
        place=place,
        user_name=user_name,
        user_id=user_id,
        chosen_at=now(session),
        jobs=min(len(jobs), MAX_JOBS),
        has_more=len(jobs) > MAX_JOBS,
    )
    session.add(made)
    session.flush()
    rows = [
        {"act_id": made.id, "number": number, **one._asdict()}
        for number, one in enumerate(jobs[:MAX_JOBS], start=1)
    ]
    if rows:
        session.execute(insert(BulkActJob), rows)
    _note(session, made, f"Choose jobs: {act}", user_name=user_name, user_id=user_id, jobs=made.jobs)
    return made


def find(session: Session, act_id: int, *, locked: bool = False) -> BulkAct:
    """The act with that id. Raises `BulkActNotFound`."""
    found = session.get(BulkAct, act_id, populate_existing=True, with_for_update=locked)
    if found is None:
        raise BulkActNotFound(act_id=act_id)
    return found


def begin(
    session: Session, act_id: int, *, reason: str, pace: Pace | None, user_name: str, user_id: int | None
) -> bool:
    """Begin an act; False where that has been done. Raises `BulkActNotFound` and `ChosenByAnother`."""
    act = find(session, act_id, locked=True)
    if act.user_name != user_name:
        raise ChosenByAnother(user_name=act.user_name)
    if act.begun_at is not None or not act.jobs:
        return False
    act.reason, act.begun_at = reason, session.execute(select(moving_clock())).scalar_one()
    act.pace_jobs, act.pace_seconds = (pace.jobs, pace.seconds) if pace else (None, None)
    _send_step(session, act, after=timedelta(0))
    kind = Act(act.act)
    _note(
        session,
        act,
        _TITLES[kind],
        user_name=user_name,
        user_id=user_id,
        before=", ".join(kind.states),
        after=kind.after,
        jobs=act.jobs,
        pace=asdict(pace) if pace else None,
    )
    return True


def stop(session: Session, act_id: int, *, user_name: str, user_id: int | None) -> bool:
    """Do no more of an act; False where it does not run. Raises `BulkActNotFound`."""
    act = find(session, act_id, locked=True)
    if not act.runs:
        return False
    act.stopped_by, act.ended_at = user_name, session.execute(select(moving_clock())).scalar_one()
    figures = {"done": act.done, "left_alone": act.left_alone, "left": act.left}
    _note(
        session,
        act,
        f"Stop: {_TITLES[Act(act.act)].lower()}",
        user_name=user_name,
        user_id=user_id,
        before="runs",
        after="stopped",
        **figures,
    )
    return True


def go_on(session: Session, act_id: int, *, job_id: str) -> dict[str, int]:
    """Do the next step of an act that runs: to how many of its jobs, and how many were left as they are.

    A job that is not the one that was sent for it does nothing, so that no second one doubles the pace.
    """
    act = session.get(BulkAct, act_id, populate_existing=True, with_for_update=True)
    if act is None or not act.runs or act.step_job_id != job_id:
        return {"done": 0, "left_alone": 0}
    pace, had_turn = paces.of(act), act.done + act.left_alone
    rows = session.execute(
        select(
            BulkActJob.number, BulkActJob.job_id, BulkActJob.task, BulkActJob.fence, BulkActJob.finished_at
        )
        .where(BulkActJob.act_id == act.id, BulkActJob.number > had_turn)
        .order_by(BulkActJob.number)
        .limit(pace.at_once if pace else BATCH)
    ).all()
    kind = Act(act.act)
    reason = f"{_PAST_TENSES[kind]} by {act.user_name}: {act.reason}"
    problems = carry_out(session, kind, [Chosen(*row[1:]) for row in rows], reason=reason)
    _write_down(session, act, {row.number: problems[row.job_id] for row in rows if row.job_id in problems})
    found = {"done": len(rows) - len(problems), "left_alone": len(problems)}
    act.done += found["done"]
    act.left_alone += found["left_alone"]
    if found["done"]:
        figures = {"before": ", ".join(kind.states), "after": kind.after, "jobs": found["done"]}
        _note(session, act, _TITLES[kind], user_name=act.user_name, user_id=act.user_id, **figures)
    if act.left:
        _send_step(session, act, after=pace.pause if pace else timedelta(0))
    else:
        act.ended_at = session.execute(select(moving_clock())).scalar_one()
    return found


def by_task(session: Session, act_id: int, *, most: int) -> dict[str, int]:
    """How many of its jobs are of which task, of those with most."""
    number = func.count().label("number")
    counted = select(BulkActJob.task, number).where(BulkActJob.act_id == act_id).group_by(BulkActJob.task)
    rows = session.execute(counted.order_by(number.desc(), BulkActJob.task).limit(most))
    return {row.task: row.number for row in rows}


def left_alone(session: Session, act_id: int, *, most: int = MAX_JOBS) -> list[BulkActJob]:
    """Its jobs that were left as they are, with the reasons."""
    found = select(BulkActJob).where(BulkActJob.act_id == act_id, BulkActJob.problem.is_not(None))
    return list(session.scalars(found.order_by(BulkActJob.number).limit(most)))


def latest(session: Session) -> list[BulkAct]:
    """The acts that were begun last, and then those before."""
    begun = select(BulkAct).where(BulkAct.begun_at.is_not(None))
    return list(session.scalars(begun.order_by(BulkAct.chosen_at.desc(), BulkAct.id.desc()).limit(SHOWN)))


def forget(session: Session, *, commit: Checkpoint) -> int:
    """Delete acts that are older than finished jobs are kept, and choices that nobody began; how many."""
    never = select(BulkAct.id).where(
        BulkAct.begun_at.is_(None), BulkAct.chosen_at < now(session) - CHOSEN_FOR
    )
    old = select(BulkAct.id).where(BulkAct.ended_at < kept_since(session))
    return prune(session, never, commit=commit) + prune(session, old, commit=commit)


def _forget_choices_of(session: Session, user_name: str) -> None:
    mine = select(BulkAct).where(BulkAct.user_name == user_name, BulkAct.begun_at.is_(None))
    beyond = mine.order_by(BulkAct.chosen_at.desc(), BulkAct.id.desc()).offset(MAX_CHOSEN - 1)
    for one in session.scalars(beyond).all():
        session.delete(one)


def _send_step(session: Session, act: BulkAct, *, after: timedelta) -> None:
    job = new_job(GO_ON_TASK, kwargs={"act_id": act.id}, delay_seconds=after.total_seconds())
    act.step_job_id = accept(session, [job])[0].id


def _write_down(session: Session, act: BulkAct, problems: Mapping[int, str]) -> None:
    rows = [{"act_id": act.id, "number": number, "problem": problem} for number, problem in problems.items()]
    if rows:
        session.execute(update(BulkActJob), rows)


def _note(
    session: Session, act: BulkAct, title: str, *, user_name: str, user_id: int | None, **arguments: Any
) -> None:
    given = arguments | ({"reason": act.reason} if act.reason else {})
    filters = urlencode([(name, value) for name, value in act.chosen_by])
    note_operation(
        session,
        title=title,
        path=f"/console/bulk/{act.id}",
        user_name=user_name,
        user_id=user_id,
        arguments={"act": act.act, "filters": filters, **given},
    )
