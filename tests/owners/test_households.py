"""Households: members see them, admins change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.accounts.roles import Role
from tests.api_client import client_for
from tests.owners import belongings
from tests.owners.routes import BOTH_DATABASES, HOUSEHOLDS, ask, of_one_person

if TYPE_CHECKING:
    from tests.owners.belongings import Belongings


pytestmark = pytest.mark.databases("sqlite")


@BOTH_DATABASES
def test_a_member_sees_what_an_admin_of_the_household_changes(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.join(cleo, ann)
    client = cleo.client()
    of_banking = [route for route in of_one_person() if route.path.startswith("/api/v1/banking/")]
    assert len(of_banking) > 15
    for route in of_banking:
        answer = ask(client, route, ann.ids)
        if route.method == "GET" or route.path.endswith("/sync"):
            assert answer.status_code in (200, 202), (route, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_household_admin"), route
    belongings.leave(cleo, ann)
    for route in of_one_person():
        assert ask(client, route, ann.ids).status_code == 404, route


@BOTH_DATABASES
def test_households_are_listed_to_their_members_in_full_pages(ann: Belongings, bob: Belongings) -> None:
    client, token = ann.client(), client_for("banking:read")
    theirs = [belongings.somebody(f"canary-{number}") for number in range(3)]
    for other in theirs[::2]:
        belongings.join(ann, other)
    mine = [who.ids["household_id"] for who in (ann, *theirs[::2])]
    first = client.get(HOUSEHOLDS, params={"limit": 2}).json()
    second = client.get(HOUSEHOLDS, params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["id"] for one in first["households"]] == mine[:2]
    assert [one["id"] for one in second["households"]] == mine[2:]
    assert second["next"] is None
    assert len(token.get(HOUSEHOLDS).json()["households"]) == 5


def test_a_person_makes_a_household_of_nobody_else(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    made = {"name": "Second home", "currency": "EUR"}
    me = {"user_id": ann.user, "role": "admin"}
    assert client.post(HOUSEHOLDS, json=made | {"members": [me]}).status_code == 201
    answers = [
        client.post(HOUSEHOLDS, json=made | {"members": [me, {"user_id": user_id}]})
        for user_id in (bob.user, 4_711)
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.json()["detail"].replace(str(bob.user), "4711", 1) for answer in answers] == [
        answers[1].json()["detail"]
    ] * 2
    both = {"members": [me, {"user_id": bob.user}]}
    assert client_for().post(HOUSEHOLDS, json=made | both).status_code == 201


def test_nobody_acts_for_another_member(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.join(cleo, ann)
    path = f"{HOUSEHOLDS}/{ann.ids['household_id']}/link-token"
    answers = [ann.client().post(path, json={"user_id": user_id}) for user_id in (cleo.user, 4_711)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "not_a_member")}
