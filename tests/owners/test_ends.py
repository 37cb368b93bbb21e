"""Sessions, tokens and roles that end while somebody is at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from app.domains.accounts.sessions import service as sessions
from app.jobs.ledger.models import Job, State
from app.tokens.service import revoke_token
from tests.api_client import anonymous, new_token
from tests.domains.notifications import people
from tests.owners.routes import JOBS
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.owners.belongings import Belongings


pytestmark = pytest.mark.databases("sqlite")


def test_who_is_disabled_reaches_nothing_within_a_second(ann: Belongings) -> None:
    client, path = ann.client(), f"/api/v1/users/{ann.user}"
    assert client.get(path).status_code == 200
    with transaction() as session:
        administration.disable(session, email=ann.email)
    wait_until(lambda: client.get(path).status_code == 401, seconds=6, what="the person is refused")


def take_away(who: Belongings, *, how: str) -> None:
    with transaction() as session:
        if how == "disable":
            administration.disable(session, email=who.email)
        elif how == "sign out":
            sessions.end_all(session, user_id=who.user)
        else:
            administration.set_role(session, email=who.email, role=Role.VIEWER)


def change(who: Belongings) -> None:
    """Have something new for those who follow the inbox, and for those who follow the job."""
    people.tell(who.user, key=f"{who.word} again")
    with transaction() as session:
        session.get_one(Job, who.ids["job_id"]).attempt += 1


@pytest.mark.parametrize(
    "path", ["/api/v1/users/{user_id}/notifications/events", f"{JOBS}/{{job_id}}/events"]
)
@pytest.mark.parametrize("how", ["disable", "sign out", "another role"])
def test_a_stream_of_events_ends_when_its_listener_would_not_be_let_in_again(
    ann: Belongings, bob: Belongings, how: str, path: str
) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.ADMIN)
        session.get_one(Job, bob.ids["job_id"]).state = State.RUNNING
    told = []
    with ann.client().stream("GET", path.format(**bob.ids)) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told.append(line)
                take_away(ann, how=how)
                change(bob)
    assert len(told) == 1, "nothing is told of what came after"


def test_a_stream_ends_with_its_token(bob: Belongings) -> None:
    token, told = new_token("notifications:read"), 0
    headers = {"Authorization": f"Bearer {token.secret}"}
    path = f"/api/v1/users/{bob.user}/notifications/events"
    with anonymous().stream("GET", path, headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told += 1
                with transaction() as session:
                    revoke_token(session, name_or_id=token.id)
    assert told == 1
