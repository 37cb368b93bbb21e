"""The pages of deliveries, on which a person settles what is uncertain."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest

from app.console import deliveries
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries import service
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.service import Outgoing
from tests.console.browser import HERE, OVERVIEW, signed_in
from tests.console.test_queues import acts
from tests.jobs import samples

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("redis_server")]
DELIVERIES = "/console/deliveries"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"
TO = "ann@example.org"


def put(number: int = 1, state: DeliveryState = DeliveryState.UNCERTAIN) -> str:
    """A delivery and its dead job; the job's id."""
    outgoing = Outgoing(
        key=f"letter:{number}",
        channel="email",
        recipient=f"{TO}, bob@example.org",
        subject=HOSTILE,
        content={},
    )
    with transaction() as session:
        [job] = accept(session, [new_job(samples.greet.name, kwargs={"name": "Ada"})])
        session.get_one(Job, job.id).state = State.DEAD
        found = service.prepare(session, outgoing)
        found.state, found.job_id, found.provider = state, job.id, "ses"
        found.error = f"ses did not say whether {TO} has it {HOSTILE}"
    return job.id


def stored() -> Delivery:
    with reading() as session:
        return service.find(session, delivery_id=1)


def settled(client: TestClient, **changed: str) -> Any:
    """The answer to the form of the page, as it is shown now, with what somebody `changed` in it."""
    page = client.get(f"{DELIVERIES}/1").text
    seen = re.search(r'name="seen_at" value="([^"]+)"', page)
    form = {"seen_at": seen[1] if seen else "", "how": "sent", "reason": "Bob has it"} | changed
    return client.post(f"{DELIVERIES}/1/settle", data=form, headers=HERE)


@pytest.mark.parametrize(
    ("how", "state", "job"),
    [
        ("sent", DeliveryState.SENT, State.DEAD),
        ("again", DeliveryState.WAITING, State.READY),
        ("given_up", DeliveryState.SUPPRESSED, State.DEAD),
    ],
)
def test_a_person_settles_what_is_uncertain_once(
    database: Engine, how: str, state: DeliveryState, job: State
) -> None:
    job_id = put()
    client = signed_in()
    assert f'href="{DELIVERIES}?state=uncertain"' in client.get(OVERVIEW).text
    seen_at = stored().changed_at.isoformat()
    for _ in range(2):
        answer = settled(client, how=how, seen_at=seen_at)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{DELIVERIES}/1")
    with reading() as session:
        assert (stored().state, session.get_one(Job, job_id).state) == (state, job)
    [act] = acts()
    assert act["path"] == f"{DELIVERIES}/1/settle"
    assert act["arguments"] == {"reason": "Bob has it", "before": "uncertain", "after": state}
    assert "Settle it" not in client.get(f"{DELIVERIES}/1").text


def test_what_somebody_else_has_said_meanwhile_stands(database: Engine) -> None:
    put()
    client = signed_in()
    seen_at = stored().changed_at.isoformat()
    assert settled(client, how="given_up").status_code == 303
    answer = settled(client, how="sent", seen_at=seen_at)
    assert (answer.status_code, "only an uncertain one is settled" in answer.text) == (409, True)
    assert stored().state == DeliveryState.SUPPRESSED
    assert len(acts()) == 1


@pytest.mark.parametrize(
    ("changed", "status", "sentence"),
    [
        ({"how": ""}, 422, "Say whether it was sent"),
        ({"how": "<b>"}, 422, "Say whether it was sent"),
        ({"reason": ""}, 422, "a reason is missing"),
        ({"reason": "x" * 501}, 422, "may have 500"),
        ({"seen_at": ""}, 422, "not one of this console"),
        ({"seen_at": "2026-01-01"}, 422, "not one of this console"),
        ({"seen_at": "0001-01-01T00:00:00+14:00"}, 409, "has changed since"),
        ({"seen_at": "9999-12-31T23:59:59-14:00"}, 409, "has changed since"),
    ],
)
def test_a_form_that_cannot_be_used_does_nothing(
    database: Engine, changed: dict[str, str], status: int, sentence: str
) -> None:
    put()
    answer = settled(signed_in(), **changed)
    assert (answer.status_code, sentence in answer.text) == (status, True)
    assert stored().state == DeliveryState.UNCERTAIN
    assert acts() == []


def test_one_whose_job_is_gone_is_settled_and_not_sent_again(database: Engine) -> None:
    job_id = put()
    with transaction() as session:
        session.delete(session.get_one(Job, job_id))
    client = signed_in()
    answer = settled(client, how="again")
    assert (answer.status_code, "There is no job" in answer.text) == (404, True)
    assert stored().state == DeliveryState.UNCERTAIN
    assert settled(client, how="given_up").status_code == 303


def test_whom_it_goes_to_is_for_administrators(database: Engine) -> None:
    put()
    admin, others = signed_in(Role.ADMIN), [signed_in(Role.OPERATOR), signed_in(Role.VIEWER)]
    for path, other in product((DELIVERIES, f"{DELIVERIES}/1"), others):
        whole, masked = admin.get(path).text, other.get(path).text
        assert TO in whole
        assert "&lt;img" in whole
        assert "example.org" not in masked
        assert "whether *** has it" in masked
        assert not re.search("<img|\x1b|\u202e", whole + masked)


def test_pages_go_on_in_the_state_that_was_asked_for(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "PAGE", 2)
    for number in range(5):
        put(number, DeliveryState.UNCERTAIN if number < 3 else DeliveryState.SENT)
    client, place, seen = signed_in(), f"{DELIVERIES}?state=uncertain", []
    while place:
        page = client.get(place).text
        seen += re.findall(rf'href="{DELIVERIES}/(\d+)"', page)
        following = re.search(r'href="([^"]+)">Older<', page)
        place = following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == ["1", "2", "3"]
    assert "The newest" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("?state=lost", 422),
        ("?state=%D0%B6", 422),
        (f"?state={'x' * 10_000}", 422),
        ("?state=", 200),
        ("?cursor=x", 422),
        ("?cursor=", 200),
        ("/99", 404),
        ("/0", 422),
        ("/x", 422),
        ("/9223372036854775808", 422),
        ("/1%00", 400),
    ],
)
def test_what_is_asked_for_wrongly_is_said(database: Engine, path: str, status: int) -> None:
    answer = signed_in().get(DELIVERIES + path)
    assert (answer.status_code, "<h1>" in answer.text) == (status, True)
    assert "x" * 1_000 not in answer.text
