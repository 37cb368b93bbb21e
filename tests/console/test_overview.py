"""The overview: what it counts, what it names, and what it says of what it could not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from app.console import figures, questions
from app.console.pages import age, counted
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.declaration import registry
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State, Worker
from app.outbound.alerts.models import Alert
from tests.console.browser import OVERVIEW, signed_in
from tests.jobs import samples

if TYPE_CHECKING:
    from sqlalchemy import Engine

QUEUE = registry.spec_of(samples.greet.name).queue
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe\ud800"


def add_jobs(number: int, *, state: State = State.READY, error: str | None = None) -> list[str]:
    with transaction() as session:
        accepted = accept(
            session, [new_job(samples.greet.name, kwargs={"name": "Ada"}) for _ in range(number)]
        )
        ids = [one.id for one in accepted]
        session.execute(update(Job).where(Job.id.in_(ids)).values(state=state.value, error=error))
    return ids


def test_the_balance_adds_up_and_names_what_needs_a_person(database: Engine) -> None:
    add_jobs(3)
    add_jobs(2, state=State.DEAD, error="KeyError: 'x'")
    page = signed_in().get(OVERVIEW)
    assert page.status_code == 200
    assert "2 dead jobs" in page.text
    assert "The states add up" in page.text
    found = figures.look()
    assert found.balance is not None
    assert (found.balance.states["dead"], found.balance.adds_up) == (2, True)
    assert found.balance.accepted == sum(found.balance.states.values()) >= 5
    assert found.queues is not None
    assert {queue.name: queue.waiting for queue in found.queues}[QUEUE] == 3


def test_what_workers_and_alerts_say_is_shown_and_not_obeyed(database: Engine) -> None:
    hostile = HOSTILE.replace("\ud800", "")
    at = datetime.now(UTC)
    with transaction() as session:
        session.add(Worker(name="w", node=hostile, release=hostile, concurrency=2, started_at=at, seen_at=at))
        session.add(Alert(kind=hostile, subject=hostile, sentence=hostile, fix=hostile, opened_at=at))
    page = signed_in().get(OVERVIEW).text
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;\\x1b[31mred\\u202egnp.exe") == 6
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_how_long_the_oldest_waits_is_bounded_where_others_stand_before_it(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for queue, minutes in (("audit", 50), ("audit", 40), ("reports", 30), ("reports", 20), ("models", 10)):
        [job_id] = add_jobs(1)
        with transaction() as session:
            at = now - timedelta(minutes=minutes)
            changed = update(Job).where(Job.id == job_id).values(queue=queue, accepted_at=at, run_at=at)
            session.execute(changed)

    def oldest() -> dict[str, tuple[int, bool]]:
        depths = {one.name: one for one in figures.queue_depths() or () if one.waiting}
        return {name: (round((one.oldest_seconds or 0) / 60), one.is_at_most) for name, one in depths.items()}

    assert oldest() == {"audit": (50, False), "reports": (30, False), "models": (10, False)}
    monkeypatch.setattr(figures, "MAX_AGES", 3)
    assert oldest() == {"audit": (50, False), "reports": (30, False), "models": (30, True)}
    assert "at most 30 min" in signed_in().get(OVERVIEW).text


@pytest.mark.databases("sqlite")
def test_more_than_are_counted_is_said(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "CAP", 2)
    add_jobs(3)
    page = signed_in().get(OVERVIEW).text
    assert "2+" in page
    assert "More than 2 are not counted" in page


@pytest.mark.databases("postgresql")
def test_a_question_that_takes_too_long_leaves_the_rest_of_the_page(database: Engine) -> None:
    client = signed_in()
    with transaction() as session:
        session.execute(text("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE"))
        page = client.get(OVERVIEW)
    assert page.status_code == 200
    assert "Part of this is not known" in page.text
    assert "The states add up" in page.text


def test_a_page_cannot_write(database: Engine) -> None:
    with pytest.raises(Exception, match=r"read-only|readonly"), questions.looking() as session:
        session.execute(text("DELETE FROM alert"))


@pytest.mark.databases("postgresql")
def test_a_question_is_ended_with_a_sentence(database: Engine) -> None:
    with pytest.raises(questions.CutOff, match="400 ms"), questions.looking() as session:
        session.execute(text("SELECT pg_sleep(5)"))
    assert questions.answer(lambda session: session.execute(text("SELECT pg_sleep(5)"))) is None


def test_numbers_are_written_for_people() -> None:
    assert (counted(10_000, 10_000), counted(10_001, 10_000)) == ("10,000", "10,000+")
    assert [age(seconds) for seconds in (-1, 0.4, 59, 61, 90_061)] == [
        "0 s",
        "0 s",
        "59 s",
        "1 min 1 s",
        "1 d 1 h",
    ]
