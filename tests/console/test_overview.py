"""The overview: what it counts, what it names, and what it says of what it could not count."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from app.console import figures, questions
from app.console.pages import age, counted
from app.db.clock import now
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.declaration import registry
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.statistics import waiting
from app.jobs.statistics.models import Sample
from app.jobs.transitions import sampling
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


def balance_of(page: str) -> list[int]:
    """What was accepted, and what is said to have become of it."""
    words = "N accepted = N finished + N waiting + N running + N dead"
    found = re.search(re.escape(words).replace("N", r"([\d,]+)"), page)
    assert found
    return [int(number.replace(",", "")) for number in found.groups()]


def test_the_balance_adds_up_and_names_what_needs_a_person(database: Engine) -> None:
    add_jobs(3)
    add_jobs(2, state=State.DEAD, error="KeyError: 'x'")
    page = signed_in().get(OVERVIEW)
    assert page.status_code == 200
    assert "2 dead jobs" in page.text
    accepted, finished, waiting, running, dead = balance_of(page.text)
    assert (finished, running, dead) == (0, 0, 2)
    assert accepted == waiting + dead >= 5
    found = figures.look()
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
    before = datetime.now(UTC)
    for queue, minutes in (("audit", 50), ("audit", 40), ("reports", 30), ("reports", 20), ("models", 10)):
        [job_id] = add_jobs(1)
        with transaction() as session:
            at = before - timedelta(minutes=minutes)
            changed = update(Job).where(Job.id == job_id).values(queue=queue, accepted_at=at, run_at=at)
            session.execute(changed)

    def oldest() -> dict[str, tuple[int, bool]]:
        depths = {one.name: one for one in figures.queue_depths() or () if one.waiting}
        return {name: (round((one.oldest_seconds or 0) / 60), one.is_at_most) for name, one in depths.items()}

    assert oldest() == {"audit": (50, False), "reports": (30, False), "models": (10, False)}
    monkeypatch.setattr(waiting, "MAX_AGES", 3)
    assert oldest() == {"audit": (50, False), "reports": (30, False), "models": (30, True)}
    assert "at most 30 min" in signed_in().get(OVERVIEW).text


def test_what_is_many_is_as_beat_counted_it_moments_ago(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "CAP", 2)
    add_jobs(4)
    add_jobs(3, state=State.DEAD)
    sampling.take()
    write_later(timedelta(seconds=-70))
    add_jobs(1, state=State.RUNNING)
    page = signed_in().get(OVERVIEW).text
    assert balance_of(page) == [7, 0, 4, 0, 3]
    assert "as beat counted them 1 min 1" in page
    assert "3 dead jobs" in page
    assert {one.name: str(one.waiting) for one in figures.queue_depths() or ()}[QUEUE] == "4"


def write_later(by: timedelta) -> None:
    with transaction() as session:
        session.execute(update(Sample).values(taken_at=now(session) + by))


def test_where_beat_has_not_counted_what_is_more_is_said_and_what_is_overdue_is_looked_for(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "CAP", 2)
    ids = add_jobs(3)
    sampling.take()
    write_later(-2 * sampling.LASTS)
    with transaction() as session:
        late = datetime.now(UTC) - timedelta(hours=1)
        session.execute(update(Job).where(Job.id.in_(ids)).values(state=State.SCHEDULED, run_at=late))
    page = signed_in().get(OVERVIEW).text
    assert "has counted nothing lately" in page
    assert "<dd>2+</dd>" in page
    assert "Overdue: 3 not_promoted." in page


@pytest.mark.databases("postgresql")
def test_a_question_that_takes_too_long_leaves_the_rest_of_the_page(database: Engine) -> None:
    client = signed_in()
    with transaction() as session:
        session.execute(text("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE"))
        page = client.get(OVERVIEW)
    assert page.status_code == 200
    assert "Part of this is not known" in page.text
    assert balance_of(page.text)[-1] == 0


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
