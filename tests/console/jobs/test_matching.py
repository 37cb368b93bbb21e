"""What is done to all jobs of a list: they are shown first, done once, and others are left alone."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.accounts.roles import Role
from app.domains.bulk import service
from app.jobs.ledger.models import State
from tests.console.browser import HERE, sign_in, signed_in
from tests.console.jobs.test_acts import noted, state_of
from tests.console.jobs.test_lists import HOSTILE, JOBS, dead
from tests.domains.bulk import many
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

ALL, BULK = "/console/all-jobs", "/console/bulk"
REASON = {"reason": "The provider is back."}


def send(client: TestClient, path: str, **form: str) -> Response:
    answer: Response = client.post(path, data=form or {"x": ""}, headers=HERE)
    return answer


def chosen(client: TestClient, act: str, **narrowed: Any) -> str:
    """The page of what was chosen by the button of a list."""
    listed = client.get(JOBS, params=narrowed).text
    form = re.search(r'name="filters" value="([^"]*)">(.*?)</form>', listed)
    assert form
    assert f'formaction="{ALL}/{act}"' in form[2]
    answer = send(client, f"{ALL}/{act}", filters=unescape(form[1]))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def id_of(place: str) -> int:
    return int(place.rpartition("/")[2])


def test_all_dead_jobs_that_match_run_again_and_no_later_ones(database: Engine) -> None:
    jobs, others = dead(5), dead(1, error="ValueError: other")
    client = signed_in()
    place = chosen(client, "retry", state="dead", error="KeyError")
    shown = client.get(place).text
    assert "5 jobs, as of" in shown
    assert samples.greet.name in shown
    assert "state dead, error KeyError" in shown
    assert {state_of(one) for one in jobs} == {"dead"}
    later = dead(ago=timedelta(0))
    for _ in range(2):
        answer = send(client, f"{place}/begin", **REASON)
        assert (answer.status_code, answer.headers["Location"]) == (303, place)
    assert "▶ runs: 0 run again, 0 were left as they are, 5 are left" in client.get(place).text
    many.run(id_of(place))
    done = client.get(place).text
    assert "ended</span>: 5 run again" in done
    assert f"{place}/stop" not in done
    assert [state_of(one) for one in (*jobs, *others, *later)] == ["ready"] * 5 + ["dead"] * 2
    assert [one["title"] for one in noted()] == ["Choose jobs: retry", *["Run many jobs again"] * 2]
    assert {one["path"] for one in noted()} == {place}
    assert f'href="{place}"' in client.get(BULK).text


def test_what_is_left_alone_is_named_and_comes_as_a_file(database: Engine) -> None:
    jobs = accepted(2)
    client = signed_in()
    place = chosen(client, "cancel", state="ready", task=samples.greet.name)
    send(client, f"{place}/begin", **REASON, pace="1", per="minute")
    change(jobs[:1], state=State.RUNNING, attempt=1, fence=1)
    many.run(id_of(place))
    page = client.get(place).text
    assert "1 are cancelled, 1 were left as they are" in page
    assert "at most 1 a minute" in page
    problem = "It has changed since it was chosen, and is running now."
    assert f'{jobs[0]}</a></th><td>{samples.greet.name}</td><td class="text">{problem}' in page
    file = client.get(f"{place}/left-alone.json")
    assert (
        file.headers["Content-Disposition"] == f'attachment; filename="bulk-{id_of(place)}-left-alone.json"'
    )
    assert file.json()["left_alone"] == [{"job": jobs[0], "task": samples.greet.name, "reason": problem}]


def test_an_act_is_stopped_by_anybody_who_may_and_what_was_done_stays_done(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 1)
    jobs = dead(3)
    operator, admin = signed_in(), signed_in(Role.ADMIN)
    place = chosen(operator, "discard", state="dead")
    assert "nobody else begins it" in admin.get(place).text
    refused = send(admin, f"{place}/begin", **REASON)
    assert (refused.status_code, "nobody else begins it" in refused.text) == (403, True)
    send(operator, f"{place}/begin", **REASON)
    many.step(id_of(place))
    for _ in range(2):
        assert send(admin, f"{place}/stop").status_code == 303
    assert "1 are discarded, 0 were left as they are, 2 had no turn" in admin.get(place).text
    assert [state_of(one) for one in jobs] == ["cancelled", "dead", "dead"]


def test_a_session_that_ends_meanwhile_begins_nothing_and_ends_nothing(database: Engine) -> None:
    [first], [second] = dead(), accepted()
    client = signed_in()
    begun, other = chosen(client, "retry", state="dead"), chosen(client, "cancel", state="ready")
    send(client, f"{begun}/begin", **REASON)
    client.cookies.clear()
    assert send(client, f"{other}/begin", **REASON).headers["Location"] == "/console/sign-in"
    many.run(id_of(begun))
    assert (state_of(first), state_of(second)) == (State.READY, State.READY)
    assert sign_in(client, "operator@example.org").status_code == 303
    assert "Cancel them" in client.get(other).text


def test_what_is_typed_wrongly_is_said_beside_the_form_and_kept(database: Engine) -> None:
    [job_id] = dead()
    client = signed_in()
    place = chosen(client, "retry", state="dead")
    for wrong, sentence in (
        ({"reason": ""}, "a reason is missing"),
        ({"reason": "x" * 501}, "may have 500"),
        ({"reason": "a\x00b"}, "control character"),
        ({"reason": HOSTILE}, "control character"),
        (REASON | {"pace": "0", "per": "second"}, "a whole number from 1 to 100"),
        (REASON | {"pace": "1"}, "so many jobs a second or a minute"),
    ):
        answer = send(client, f"{place}/begin", **wrong)
        assert (answer.status_code, sentence in unescape(answer.text)) == (422, True), wrong
        assert "<img" not in answer.text
    assert 'value="The provider is back."' in answer.text
    assert state_of(job_id) == State.DEAD
    assert [one["title"] for one in noted()] == ["Choose jobs: retry"]


@pytest.mark.databases("sqlite")
def test_what_is_no_such_list_or_act_changes_nothing(database: Engine) -> None:
    [job_id] = dead()
    operator, viewer = signed_in(), signed_in(Role.VIEWER)
    place = chosen(operator, "retry", state="dead")
    for path in (f"{ALL}/retry", f"{ALL}/cancel", f"{ALL}/discard", f"{place}/begin", f"{place}/stop"):
        assert send(viewer, path, filters="state=dead", **REASON).status_code == 403
    assert "/all-jobs/" not in viewer.get(JOBS, params={"state": "dead"}).text
    assert "/all-jobs/" not in operator.get(JOBS).text
    for filters, sentence in (
        ("", "to these states alone: dead"),
        ("state=ready", "to these states alone: dead"),
        ("state=dead&state=ready", "to these states alone: dead"),
        ("state=dead&x=1", "Jobs have no filter"),
        ("state=%ff", "The states are"),
        ("state=dead&error=" + "x" * 10_000, "at most 200"),
    ):
        answer = send(operator, f"{ALL}/retry", filters=filters)
        assert (answer.status_code, sentence in unescape(answer.text)) == (422, True), filters
    for path in (f"{BULK}/4711", f"{BULK}/4711/left-alone.json"):
        assert operator.get(path).status_code == 404
    assert send(operator, f"{BULK}/4711/begin", **REASON).status_code == 404
    assert {operator.get(f"{BULK}/{wrong}").status_code for wrong in ("0", "x", "9" * 30, "%D9%A3")} == {422}
    assert (state_of(job_id), len(noted())) == (State.DEAD, 1)


@pytest.mark.databases("sqlite")
def test_jobs_beyond_somebodys_reach_are_neither_counted_nor_changed(database: Engine) -> None:
    [plain], [other] = dead(), dead()
    change([other], task="of.another.release")
    client = signed_in()
    place = chosen(client, "retry", state="dead")
    page = client.get(place).text
    assert "1 job, as of" in page
    assert "of.another.release" not in page
    send(client, f"{place}/begin", **REASON)
    many.run(id_of(place))
    assert [state_of(plain), state_of(other)] == [State.READY, State.DEAD]
    assert "No job matches that you may change." in client.get(chosen(client, "retry", state="dead")).text


@pytest.mark.databases("sqlite")
def test_a_list_of_more_than_an_act_takes_gives_the_oldest(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_JOBS", 2)
    jobs = dead(2, ago=timedelta(hours=1))
    newer = dead()
    client = signed_in()
    place = chosen(client, "retry", state="dead")
    assert "an act takes the oldest 2" in client.get(place).text
    send(client, f"{place}/begin", **REASON)
    many.run(id_of(place))
    assert [state_of(one) for one in (*jobs, *newer)] == ["ready", "ready", "dead"]
    finish(jobs, ago=timedelta(0), state=State.DEAD)
    send(client, f"{place}/begin", **REASON)
    assert {state_of(one) for one in jobs} == {"dead"}
