"""What is done to jobs that were selected on a page of the list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.console.jobs import listed
from app.domains.accounts.roles import Role
from app.jobs.ledger.models import State
from tests.console.browser import HERE, signed_in
from tests.console.jobs.test_acts import noted, state_of
from tests.console.jobs.test_lists import JOBS, dead
from tests.jobs import samples
from tests.jobs.ends import accepted, change

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

REASON = {"reason": "The provider is back."}


def boxes(client: TestClient, **narrowed: str) -> dict[str, str]:
    """The check boxes of a list, and what they send."""
    page = client.get(JOBS, params=narrowed).text
    return dict(re.findall(r'<input type="checkbox" name="(job:[^"]+)" value="(\w+)"', page))


def send(client: TestClient, act: str, form: dict[str, str]) -> Response:
    answer: Response = client.post(f"{JOBS}/{act}", data=form, headers=HERE)
    return answer


def test_selected_jobs_run_again_and_one_that_moved_on_leaves_the_others(database: Engine) -> None:
    jobs = dead(3)
    client = signed_in()
    chosen = boxes(client, state="dead")
    assert chosen.keys() == {f"job:{job_id}" for job_id in jobs}
    change(jobs[:1], state=State.CANCELLED)
    answer = send(client, "retry", {**chosen, **REASON})
    assert answer.status_code == 200
    assert "2 of 3 run again." in answer.text
    assert "1 of 3 stayed as they were" in answer.text
    assert f"Job {jobs[0]} has changed since the page was made, and is cancelled now" in answer.text
    assert [state_of(job_id) for job_id in jobs] == ["cancelled", "ready", "ready"]
    written = noted()
    assert {one["path"] for one in written} == {f"{JOBS}/{job_id}/retry" for job_id in jobs[1:]}
    assert [one["arguments"] for one in written] == [{"before": "dead", "after": "ready", **REASON}] * 2
    again = send(client, "retry", {**chosen, **REASON})
    assert "3 of 3 stayed as they were" in again.text
    assert len(noted()) == 2


@pytest.mark.databases("sqlite")
def test_selected_jobs_are_cancelled(database: Engine) -> None:
    jobs = accepted(2)
    client = signed_in()
    answer = send(client, "cancel", {**boxes(client, task=samples.greet.name), **REASON})
    assert "2 of 2 were cancelled." in answer.text
    assert [state_of(job_id) for job_id in jobs] == ["cancelled"] * 2


@pytest.mark.databases("sqlite")
def test_what_is_not_selected_by_a_page_is_said_and_nothing_done(database: Engine) -> None:
    [job_id] = dead()
    operator, viewer = signed_in(), signed_in(Role.VIEWER)
    chosen = boxes(operator, state="dead")
    assert boxes(viewer, state="dead") == {}
    for act in ("retry", "cancel"):
        assert send(viewer, act, {**chosen, **REASON}).status_code == 403
    for form, sentence in (
        (REASON, "0 jobs are selected"),
        ({f"job:{number}": "v" for number in range(listed.PAGE + 1)} | REASON, "51 jobs are selected"),
        (chosen, "Nothing was done: a reason is missing"),
        (chosen | {"reason": "x" * 10_000}, "Nothing was done: the reason has"),
    ):
        answer = send(operator, "retry", form)
        assert (answer.status_code, sentence in answer.text) == (422, True), sentence
    for strange in ("nothing", "", "<img src=x>", "x" * 10_000):
        answer = send(operator, "retry", {f"job:{strange}": "v", **REASON})
        assert (answer.status_code, "There is no job" in answer.text) == (200, True)
        assert "<img" not in answer.text
    assert (state_of(job_id), noted()) == (State.DEAD, [])


@pytest.mark.databases("sqlite")
def test_jobs_of_others_domains_and_those_that_are_done_have_no_box(database: Engine) -> None:
    [plain], [other], [done] = dead(), dead(), accepted()
    change([other], task="of.another.release")
    change([done], state=State.DONE)
    operator = signed_in()
    assert boxes(operator, queue="maintenance").keys() == {f"job:{plain}"}
    version = boxes(signed_in(Role.ADMIN), queue="maintenance")[f"job:{other}"]
    answer = send(operator, "retry", {f"job:{other}": version, **REASON})
    assert "This needs a token with the scope *" in answer.text
    assert state_of(other) == State.DEAD
