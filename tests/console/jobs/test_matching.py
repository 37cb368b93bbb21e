"""What is done to all jobs of a list: how many are meant is shown first, and others are left alone."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.console.jobs import all_of_them
from app.domains.accounts.roles import Role
from app.jobs.ledger.models import State
from tests.console.browser import HERE, signed_in
from tests.console.jobs.test_acts import noted, state_of
from tests.console.jobs.test_lists import JOBS, dead, link
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

ALL = "/console/all-jobs"
REASON = {"reason": "The provider is back."}


def form_on(page: Response) -> dict[str, str]:
    assert page.status_code == 200, page.text
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in found} | REASON


def send(client: TestClient, act: str, form: dict[str, str]) -> Response:
    answer: Response = client.post(f"{ALL}/{act}", data=form, headers=HERE)
    return answer


def test_all_dead_jobs_that_match_run_again_and_no_later_ones(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_of_them, "BATCH", 2)
    jobs, others = dead(5), dead(1, error="ValueError: other")
    client = signed_in()
    page = client.get(JOBS, params={"state": "dead", "error": "KeyError"}).text
    asked = client.get(link(page, "Run all that match again") or "")
    assert "5 match, as of" in asked.text
    assert samples.greet.name in asked.text
    form = form_on(asked)
    later = dead(ago=timedelta(0))
    done = send(client, "retry", form)
    assert "5 run again." in done.text
    assert [state_of(job_id) for job_id in (*jobs, *others, *later)] == ["ready"] * 5 + ["dead"] * 2
    written = [one["arguments"] for one in noted()]
    assert [one["jobs"] for one in written] == [2, 2, 1]
    assert {(one["filters"], one["reason"]) for one in written} == {
        ("state=dead&error=KeyError", REASON["reason"])
    }
    finish(jobs[:1], ago=timedelta(0), state=State.DEAD)
    again = send(client, "retry", form)
    assert "of those that were meant, none is left" in again.text
    assert (state_of(jobs[0]), len(noted())) == (State.DEAD, 3)


def test_all_waiting_jobs_that_match_are_cancelled_up_to_so_many_at_once(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_of_them, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(all_of_them, "BATCH", 1)
    jobs, scheduled = accepted(3), accepted(1)
    change(scheduled, state=State.SCHEDULED)
    client = signed_in()
    page = client.get(JOBS, params={"state": "ready", "task": samples.greet.name}).text
    asked = client.get(link(page, "Cancel all that match") or "")
    assert "2+ match" in asked.text
    done = send(client, "cancel", form_on(asked))
    assert "2 are cancelled." in done.text
    assert "1 are left" in done.text
    assert "1 are cancelled." in send(client, "cancel", form_on(done)).text
    assert [state_of(job_id) for job_id in (*jobs, *scheduled)] == ["cancelled"] * 3 + ["scheduled"]


@pytest.mark.databases("sqlite")
def test_what_is_no_such_list_or_form_changes_nothing(database: Engine) -> None:
    [job_id] = dead()
    operator, viewer = signed_in(), signed_in(Role.VIEWER)
    form = form_on(operator.get(f"{ALL}/retry", params={"state": "dead"}))
    for act in ("retry", "cancel"):
        assert viewer.get(f"{ALL}/{act}", params={"state": "dead"}).status_code == 403
        assert send(viewer, act, form).status_code == 403
    assert "Run all that match" not in viewer.get(JOBS, params={"state": "dead"}).text
    assert "Run all that match" not in operator.get(JOBS).text
    for states in ([], ["ready"], ["dead", "ready"], ["dead", "done"]):
        answer = operator.get(f"{ALL}/retry", params={"state": states})
        assert (answer.status_code, "to these states alone: dead" in answer.text) == (422, True)
    for wrong, sentence in (
        ({"filters": ""}, "to these states alone"),
        ({"filters": "state=dead&x=1"}, "Jobs have no filter"),
        ({"until": ""}, "not the form of the page"),
        ({"until": "yesterday"}, "not the form of the page"),
        ({"until": "x" * 10_000}, "not the form of the page"),
        ({"reason": ""}, "a reason is missing"),
    ):
        answer = send(operator, "retry", form | wrong)
        assert (answer.status_code, sentence in unescape(answer.text)) == (422, True), wrong
    assert (state_of(job_id), noted()) == (State.DEAD, [])


@pytest.mark.databases("sqlite")
def test_jobs_beyond_somebodys_reach_are_neither_counted_nor_changed(database: Engine) -> None:
    [plain], [other] = dead(), dead()
    change([other], task="of.another.release")
    client = signed_in()
    asked = client.get(f"{ALL}/retry", params={"state": "dead"})
    assert "1 match" in asked.text
    assert "of.another.release" not in asked.text
    assert "1 run again." in send(client, "retry", form_on(asked)).text
    assert [state_of(plain), state_of(other)] == [State.READY, State.DEAD]
    assert "No job matches that you may change." in client.get(f"{ALL}/retry?state=dead").text
