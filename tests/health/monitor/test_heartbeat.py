"""Somebody elsewhere is told each minute that all is well, by one process, and only while it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.health.doctor.finding import Level
from app.health.doctor.fleet import beat_is_alive
from app.health.monitor import heartbeat
from app.health.monitor.heartbeat import NAME, Heartbeat
from app.outbound.alerts import muting, service
from app.outbound.alerts.look import Look, Problem
from app.schedule.leader import lead, resign
from app.schedule.models import Leader
from tests.fakes.http_server import HANGS_UP, Answer, HttpFake, Request
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from tests.fleet import Fleet

SECRET_PATH = "/verysecretpart"


@dataclass
class Listener(HttpFake):
    """Who takes the heartbeat."""

    taken: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.taken.append(request)
        return self.answers.pop(0) if self.answers else Answer(status=200, body=b"OK")


@pytest.fixture
def listener(configure: Callable[..., None]) -> Iterator[Listener]:
    """It, with the setting that names it."""
    server: Listener = Listener().start()
    configure(heartbeat_url=server.url + SECRET_PATH)
    yield server
    server.close()


@pytest.fixture
def all_is_well(database: Engine, listener: Listener) -> None:
    assert database
    assert listener
    lead("beat", holder="here")
    with transaction() as session:
        session.get_one(Leader, "beat").until = clock(3_600)


def let_a_minute_pass() -> None:
    with transaction() as session:
        session.execute(update(Leader).where(Leader.name == NAME).values(until=clock(-1)))


def alert(kind: str, *, is_wrong: bool = True) -> None:
    problems = {"": Problem(sentence="It is wrong.")} if is_wrong else {}
    with transaction() as session:
        service.take(session, [Look(kind=kind, problems=problems)])


@pytest.mark.usefixtures("all_is_well")
def test_of_many_processes_one_says_it_once_a_minute(listener: Listener) -> None:
    one, other = Heartbeat(), Heartbeat()
    for each in (one, other, one):
        each.work()
    assert [(taken.method, taken.path) for taken in listener.taken] == [("GET", SECRET_PATH)]
    let_a_minute_pass()
    for each in (other, one):
        each.work()
    assert len(listener.taken) == 2


@pytest.mark.usefixtures("all_is_well")
def test_it_stays_away_while_beat_does(listener: Listener) -> None:
    resign("beat", holder="here")
    Heartbeat().work()
    assert listener.taken == []


@pytest.mark.usefixtures("all_is_well")
def test_it_is_no_beat_itself(listener: Listener) -> None:
    Heartbeat().work()
    resign("beat", holder="here")
    assert beat_is_alive().level is Level.PROBLEM
    assert len(listener.taken) == 1


@pytest.mark.usefixtures("all_is_well")
def test_it_stays_away_while_jobs_are_not_done_and_no_longer(
    listener: Listener, configure: Callable[..., None]
) -> None:
    configure(alert_recovery_seconds=0)
    alert("overdue")
    Heartbeat().work()
    assert listener.taken == []
    alert("overdue", is_wrong=False)
    Heartbeat().work()
    assert len(listener.taken) == 1


@pytest.mark.usefixtures("all_is_well")
@pytest.mark.parametrize("kind", ["dead_jobs", "certificate", "invoice mail"])
def test_for_what_can_wait_nobody_is_called(listener: Listener, kind: str) -> None:
    alert(kind)
    Heartbeat().work()
    assert len(listener.taken) == 1


@pytest.mark.usefixtures("all_is_well")
def test_for_what_is_muted_nobody_is_called(listener: Listener) -> None:
    alert("workers")
    with transaction() as session:
        until = db_now(session) + timedelta(hours=1)
        muting.mute(session, kind="workers", subject=None, until=until, reason="x", by="ann")
    Heartbeat().work()
    assert len(listener.taken) == 1


@pytest.mark.usefixtures("all_is_well")
@pytest.mark.databases("sqlite")
def test_it_stays_away_while_the_ledger_takes_no_writes(listener: Listener) -> None:
    with transaction() as session:
        session.execute(
            text(
                "CREATE TRIGGER no_writes BEFORE INSERT ON leader BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )
    with pytest.raises(Exception, match="disk full"):
        Heartbeat().work()
    assert listener.taken == []


@pytest.mark.usefixtures("all_is_well")
@pytest.mark.parametrize("refusal", [Answer(status=503), HANGS_UP])
def test_what_was_not_taken_is_sent_at_the_next_look(listener: Listener, refusal: Answer) -> None:
    listener.answers.append(refusal)
    one, other = Heartbeat(), Heartbeat()
    for each in (one, other, one):
        each.work()
    assert len(listener.taken) == 2


@pytest.mark.usefixtures("all_is_well")
@pytest.mark.parametrize("status", [302, 404])
def test_where_it_is_not_wanted_it_is_not_led_elsewhere_nor_sent_at_once_again(
    listener: Listener, status: int
) -> None:
    listener.answers.append(Answer(status=status, headers={"Location": f"{listener.url}/elsewhere"}))
    pulse = Heartbeat()
    for _ in range(3):
        pulse.work()
    assert [taken.path for taken in listener.taken] == [SECRET_PATH]


@pytest.mark.usefixtures("all_is_well")
@pytest.mark.databases("sqlite")
def test_the_log_says_once_that_it_is_not_taken_and_never_the_url(
    listener: Listener, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(heartbeat.log, "warning", lambda *words, **facts: said.append(f"{words} {facts}"))
    pulse = Heartbeat()
    listener.answers += [Answer(status=500, body=(listener.url + SECRET_PATH).encode())] * 2
    pulse.work()
    pulse.work()
    configure(heartbeat_url=f"http://127.0.0.1:{free_port()}{SECRET_PATH}")
    pulse.work()
    assert len(said) == 1
    assert "verysecretpart" not in said[0]


def test_without_a_url_nothing_is_written(database: Engine, configure: Callable[..., None]) -> None:
    configure()
    Heartbeat().work()
    with reading() as session:
        assert session.get(Leader, NAME) is None


@pytest.mark.databases("postgresql")
def test_of_two_beats_one_sends_it(fleet: Fleet, listener: Listener) -> None:
    fleet.start_beat()
    fleet.start_beat("second")
    wait_until(lambda: listener.taken, seconds=60, what="somebody is told")
    assert len(listener.taken) == 1
