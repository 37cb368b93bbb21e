from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.domains.accounts.roles import Role
from tests.api_client import client_for
from tests.domains.billing.time_capture import workplace
from tests.owners.belongings import person

if TYPE_CHECKING:
    from sqlalchemy import Engine


pytestmark = pytest.mark.databases("sqlite")


def path(user_id: int) -> str:
    return f"/api/v1/users/{user_id}/capture-rules"


def test_rules_are_kept_in_their_order_and_replaced_as_a_whole(database: Engine) -> None:
    place = workplace.found_tenant()
    ann = person("ann", Role.VIEWER)
    place.join(user_id=ann.user)
    client = ann.client()
    rules = [
        {"project_id": place.unpaid, "words": "обучение"},
        {"project_id": place.project, "words": ""},
    ]
    for given in (rules, rules[1:], []):
        assert client.put(path(ann.user), json={"rules": given}).json() == {"rules": given}
        assert client.get(path(ann.user)).json() == {"rules": given}


def test_a_project_of_others_is_one_that_is_not_there(database: Engine) -> None:
    place, other = workplace.found_tenant(), workplace.found_tenant()
    for project_id in (other.project, 4711):
        answer = client_for().put(
            path(place.members[0]), json={"rules": [{"project_id": project_id, "words": "x"}]}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "project_not_found")


@pytest.mark.parametrize(
    "rule",
    [
        {"words": " \u200b"},
        {"words": "a\nb"},
        {"words": "a\0"},
        {"words": "x" * 201},
        {"words": None},
        {"project_id": 0},
        {"project_id": 2**63},
        {"project_id": "1_0"},
        {"word": "x"},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(database: Engine, rule: dict[str, Any]) -> None:
    place = workplace.found_tenant()
    answer = client_for().put(
        path(place.members[0]), json={"rules": [{"project_id": place.project, "words": "x"} | rule]}
    )
    assert answer.status_code == 422, answer.text


def test_there_is_an_end_to_rules(database: Engine) -> None:
    place = workplace.found_tenant()
    many = [{"project_id": place.project, "words": "x"}] * 101
    assert client_for().put(path(place.members[0]), json={"rules": many}).status_code == 422
    assert client_for().put(path(place.members[0]), json={"rules": many[1:]}).status_code == 200


def test_nobody_has_no_rules(database: Engine) -> None:
    assert client_for().get(path(4711)).status_code == 404
