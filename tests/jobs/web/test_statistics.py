"""Statistics over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.jobs.ledger.models import State
from app.jobs.scopes import METRICS, READ
from tests.api_client import client_for
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish, roll_up

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
PATH, ERRORS = "/api/v1/statistics", "/api/v1/statistics/errors"


def test_the_figures_of_a_task_are_read_with_the_scope_of_the_metrics(api: TestClient) -> None:
    finish(accepted(3), ago=timedelta(minutes=5))
    roll_up()
    begin = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    asked = {"task": samples.greet.name, "begin": begin, "step": "1m"}
    found = client_for(METRICS).get(PATH, params=asked)
    assert found.status_code == 200, found.text
    told = found.json()
    assert (told["step"], told["total"]["done"], len(told["steps"])) == ("1m", 3, 1)
    assert told["steps"][0]["run"]["p50"] == pytest.approx(1.75)
    assert client_for(READ).get(PATH).status_code == 403


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"step": "2m"}, "1m"),
        ({"task": ""}, "task"),
        ({"task": "t" * 201}, "task"),
        ({"begin": "yesterday"}, "RFC 3339"),
        ({"begin": "2030-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}, "let begin come before end"),
        ({"unheard": "of"}, "unheard"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    api: TestClient, asked: dict[str, str], says: str
) -> None:
    answer = api.get(PATH, params=asked)
    assert answer.status_code == 422
    assert says in answer.text


def test_a_hostile_name_is_that_of_no_task(api: TestClient) -> None:
    for name in ("'; DROP TABLE job; --", "\u6f22\u5b57", "%", "\ud800".encode(errors="surrogatepass")):
        answer = api.get(PATH, params={"task": name})
        assert answer.status_code in {200, 422}, answer.text


def test_errors_are_read_with_the_scope_of_jobs(api: TestClient) -> None:
    [job_id] = accepted()
    change([job_id], state=State.DEAD, finished_at=datetime.now(UTC), error="ValueError: row 7")
    answer = client_for(READ).get(ERRORS)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["is_whole"], told["has_more"]) == (True, False)
    assert [(group["title"], group["dead"]) for group in told["groups"]] == [("ValueError: row #", 1)]
    assert client_for(METRICS).get(ERRORS).status_code == 403


def test_a_span_of_errors_that_ends_before_it_begins_is_refused_in_a_sentence(api: TestClient) -> None:
    asked = {"begin": "2030-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}
    answer = api.get(ERRORS, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_span")
