"""Another key takes the place of the one that sealed, while the service goes on."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from celery import chord
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from app.db.sessions import reading, transaction
from app.domains.banking.models import PlaidItem
from app.domains.notifications import devices
from app.domains.notifications.models import Platform, PushEndpoint
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.seal import unseal
from app.secrets.rotation import PART, rotate, walk
from app.secrets.sealed import Place
from app.tokens.service import authenticate, create_token
from tests.command_line import groundwork
from tests.domains.banking import home, linking
from tests.jobs.running import ended, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.fleet import Fleet

OLD, NEW = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
#: The settings of a host, one step after the other.
BEFORE = {"secret_key": OLD, "other_secret_keys": ""}
PREPARED = {"secret_key": OLD, "other_secret_keys": NEW}
TURNED = {"secret_key": NEW, "other_secret_keys": OLD}
AFTER = {"secret_key": NEW, "other_secret_keys": ""}


@pytest.fixture
def keys(database: Engine, configure: Callable[..., None]) -> Callable[..., None]:
    """Sets the keys; at first there is the old one alone."""
    configure(**BEFORE)
    return configure


def totals() -> dict[str, tuple[int, int, int]]:
    """How many were found, renewed and not readable, by where they are."""
    found: dict[str, tuple[int, int, int]] = {}
    for part in rotate():
        before = found.get(part.what, (0, 0, 0))
        now = (part.found, part.renewed, part.unreadable)
        found[part.what] = tuple(map(sum, zip(before, now, strict=True)))  # type: ignore[assignment]
    return found


def secret_of(job_id: str) -> Any:
    return unseal(job_of(job_id).kwargs["secret"])


def test_rows_whose_key_has_several_columns_are_all_walked_once(database: Engine) -> None:
    table = Table(
        "scratch",
        MetaData(),
        Column("first", Integer, primary_key=True),
        Column("second", Text, primary_key=True),
        Column("word", Text),
    )
    table.create(database)
    rows = [{"first": number // 100, "second": f"{number:03}", "word": "old"} for number in range(PART + 50)]
    with transaction() as session:
        session.execute(insert(table), rows)
    place = Place(
        name="words",
        table=table,
        column=table.c.word,
        stored=table.c.word,
        holds=table.c.word.is_not(None),
        renewed=str.upper,
    )
    assert [(part.found, part.renewed) for part in walk(place)] == [(PART, PART), (50, 50)]
    with reading() as session:
        assert set(session.scalars(select(table.c.word))) == {"OLD"}


def test_all_that_is_sealed_gets_the_new_key(keys: Callable[..., None]) -> None:
    home.move_in()
    ada = linking.user("Ada")
    with transaction() as session:
        devices.register(session, user_id=ada, platform=Platform.FCM, address="token-of-a-phone")
    alone = tasks.echo_secret.delay(secret="tea")
    (tasks.add.s(1, 1) | tasks.echo_secret.si(secret="coffee")).delay()
    chord([tasks.add.s(1, 1)])(tasks.echo_secret.si(secret="milk"))

    keys(**TURNED)
    assert secret_of(alone.id) == "tea", "what is sealed is read before the command"
    renewed = totals()
    assert {"job.kwargs", "job.options", "job_group.body", "addresses of devices"} < set(renewed)
    assert {counts for counts in renewed.values() if counts[0] != counts[1]} == set()

    keys(**AFTER)
    assert totals() == {what: (found, 0, 0) for what, (found, _, _) in renewed.items()}
    assert secret_of(alone.id) == "tea"
    with reading() as session:
        assert session.scalars(select(PlaidItem.access_token)).one() == "access-sandbox-1"
        assert session.scalars(select(PushEndpoint.address)).one() == "token-of-a-phone"


def test_it_can_be_stopped_and_run_again(keys: Callable[..., None]) -> None:
    with transaction() as session:
        accept(session, [new_job("sample.echo_secret", kwargs={"secret": "tea"}) for _ in range(PART + 1)])
    keys(**TURNED)
    assert next(rotate()).renewed == PART
    assert totals() == {"job.kwargs": (PART + 1, 1, 0)}


@pytest.mark.databases("postgresql")
def test_a_row_in_use_comes_after_the_others(keys: Callable[..., None]) -> None:
    jobs = [tasks.echo_secret.delay(secret="tea").id for _ in range(2)]
    keys(**TURNED)
    parts = rotate()
    with transaction() as session:
        session.execute(select(Job.id).where(Job.id == jobs[0]).with_for_update())
        assert next(parts).renewed == 1
    assert next(parts).renewed == 1
    keys(**AFTER)
    assert [secret_of(job) for job in jobs] == ["tea", "tea"]


def test_hosts_that_turn_one_after_the_other_read_what_each_seals(keys: Callable[..., None]) -> None:
    keys(**TURNED)
    new = tasks.echo_secret.delay(secret="tea")
    keys(**PREPARED)
    assert secret_of(new.id) == "tea"


def test_what_opens_with_no_key_is_told_and_left_as_it_is(
    keys: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    job = tasks.echo_secret.delay(secret="tea")
    keys(**AFTER)
    told = groundwork(capsys, "secrets", "rotate", "--json")
    assert told.code == 1
    counts = {"found": 1, "renewed": 0, "unreadable": 1, "examples": [job.id]}
    assert json.loads(told.out) == [{"what": "job.kwargs"} | counts]
    assert "1 of these can be decrypted with no key" in told.err
    keys(**TURNED)
    assert secret_of(job.id) == "tea"


def test_the_old_key_is_needed_until_messages_from_before_are_gone(
    keys: Callable[..., None], fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tasks.echo_secret.delay(secret="tea")
    keys(**TURNED)
    tasks.echo_secret.delay(secret="coffee")
    told = groundwork(capsys, "secrets", "rotate")
    assert (told.code, told.err.split(" ", 1)[0]) == (1, "1")
    assert "messages on the broker are encrypted with another key" in told.err
    fleet.start_worker()
    assert ended(before.id).state == State.DONE
    told = groundwork(capsys, "secrets", "rotate")
    assert (told.code, told.err) == (0, "")


def test_tokens_of_the_api_hang_on_no_key(keys: Callable[..., None]) -> None:
    with transaction() as session:
        token = create_token(session, name="nightly", scopes=["*"])
    keys(**AFTER)
    with reading() as session:
        assert authenticate(session, secret=token.secret).name == "nightly"
