"""What is another's is not there, and what is one's own is, whatever one's role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from tests.api_client import client_for
from tests.owners import belongings
from tests.owners.routes import BILLING, BODIES, BOTH_DATABASES, HOUSEHOLDS, ask, of_one_person

if TYPE_CHECKING:
    from httpx import Response

    from tests.owners.belongings import Belongings


pytestmark = pytest.mark.databases("sqlite")


def unlike(answer: Response, ids: dict[str, Any]) -> tuple[int, str]:
    """What an answer says, without the ids that were asked for."""
    text = answer.text.replace(answer.headers["X-Request-ID"], "")
    for value in sorted(map(str, ids.values()), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "ID", text)
    return answer.status_code, text


@BOTH_DATABASES
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_what_is_another_s_is_answered_as_what_is_not_there(
    ann: Belongings, bob: Belongings, role: Role
) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    client, nothing = ann.client(), dict.fromkeys(bob.ids, 4_711)
    assert len(of_one_person(but=None)) > 30
    for route in of_one_person(but=None):
        theirs = ask(client, route, bob.ids)
        assert theirs.status_code == 404, (route, theirs.text)
        assert "canary-bob" not in theirs.text
        assert unlike(theirs, bob.ids) == unlike(ask(client, route, nothing), nothing), route
    assert_untouched(bob)


def assert_untouched(who: Belongings) -> None:
    client = client_for()
    for path in (
        f"/api/v1/users/{who.user}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/bills/{who.ids['bill_id']}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/budgets/{who.ids['budget_id']}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/set-aside",
        f"/api/v1/users/{who.user}/push-endpoints",
        f"{BILLING}/tenants/{who.ids['tenant_id']}",
        f"{BILLING}/clients/{who.ids['client_id']}",
        f"{BILLING}/clients/{who.ids['client_id']}/projects",
        f"{BILLING}/clients/{who.ids['client_id']}/rules",
        f"{BILLING}/tenants/{who.ids['tenant_id']}/entries",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Changed" not in answer.text
        assert "New" not in answer.text
    assert client.get(f"/api/v1/users/{who.user}/notifications/unread-count").json()["count"] == 1
    assert len(client.get(f"/api/v1/users/{who.user}/push-endpoints").json()["push_endpoints"]) == 1


def test_a_part_of_another_s_is_not_found_below_one_s_own(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    for route in of_one_person():
        named = set(re.findall(r"{(\w+)", route.path)) - set(route.owner.ids)
        body = BODIES.get((route.method, route.path), {})
        inner = named | {name for name in body if name.endswith("_id")}
        for name in inner:
            answer = ask(client, route, ann.ids | {name: bob.ids[name]})
            assert answer.status_code in (404, 422), (route, name, answer.text)
            assert "canary-bob" not in answer.text
    assert_untouched(bob)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_a_person_sees_and_changes_what_is_theirs_whatever_their_role(ann: Belongings, role: Role) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    client = ann.client()
    # What deletes comes last.
    for route in sorted(of_one_person(), key=lambda route: route.method == "DELETE"):
        answer = ask(client, route, ann.ids)
        # Nobody plays Plaid or Google here.
        is_off = "Plaid" in answer.text or "no_redirect_url" in answer.text
        expected = {200, 201, 202, 204, 409} | ({503} if is_off else set())
        assert answer.status_code in expected, (route, answer.text)


def test_an_administrator_and_a_token_reach_what_is_everybody_s(ann: Belongings) -> None:
    root = belongings.person("canary-root", Role.ADMIN)
    for client in (root.client(), client_for()):
        for route in of_one_person():
            if route.method == "GET":
                answer = ask(client, route, ann.ids)
                assert answer.status_code == 200, (route, answer.text)
