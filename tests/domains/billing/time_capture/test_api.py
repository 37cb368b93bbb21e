from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.domains.accounts.roles import Role as AccountRole
from app.domains.billing.models import Role
from app.domains.billing.time_capture.models import EntryIssue
from tests.api_client import client_for
from tests.domains.billing.time_capture import workplace
from tests.owners.belongings import person

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")

NIGHT = "2026-02-03 01:30"
PATH = "/api/v1/billing/issues"


def entries_of(client: TestClient, **query: Any) -> list[int]:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [one["entry_id"] for one in answer.json()["issues"]]


def test_an_issue_is_shown_with_what_it_is_about(database: Engine) -> None:
    place = workplace.found_tenant()
    entry = place.work("2026-02-02 08:00", "2026-02-02 09:00", description="")
    workplace.validate(NIGHT)
    answer = client_for("billing:read").get(PATH)
    assert answer.status_code == 200
    issue = workplace.issues()[0]
    assert answer.json() == {
        "issues": [
            {
                "id": issue.id,
                "tenant_id": place.id,
                "project_id": place.project,
                "entry_id": entry,
                "user_id": place.members[0],
                "kind": "no_description",
                "sentence": "It does not say what was done: describe it.",
                "opened_at": "2026-02-03T01:30:00Z",
            }
        ],
        "next": None,
    }


def test_closed_issues_are_not_shown(database: Engine) -> None:
    place = workplace.found_tenant()
    entry = place.work("2026-02-02 08:00", "2026-02-02 09:00")
    workplace.add(
        EntryIssue(
            entry_id=entry,
            kind="gap",
            key="",
            sentence="It was so.",
            opened_at=workplace.MADE,
            closed_at=workplace.MADE,
        )
    )
    assert entries_of(client_for()) == []


def test_a_person_sees_their_own_and_an_admin_those_of_the_tenant(database: Engine) -> None:
    place, other = workplace.found_tenant(), workplace.found_tenant()
    ann, ben, eve = (person(word, AccountRole.VIEWER) for word in ("ann", "ben", "eve"))
    place.join(user_id=ann.user, role=Role.ADMIN)
    place.join(user_id=ben.user)
    other.join(user_id=ben.user)
    mine = place.work("2026-02-02 08:00", "2026-02-02 09:00", user_id=ben.user, description="")
    elsewhere = other.work("2026-02-02 08:00", "2026-02-02 09:00", user_id=ben.user, description="")
    member = place.work("2026-02-02 08:00", "2026-02-02 09:00", description="")
    # Of nobody's tenant any more.
    left = other.work("2026-02-02 08:00", "2026-02-02 09:00", user_id=eve.user, description="")
    workplace.validate(NIGHT)
    assert sorted(entries_of(ben.client())) == [mine, elsewhere]
    assert sorted(entries_of(ann.client())) == [mine, member]
    assert entries_of(ann.client(), tenant_id=other.id) == []
    assert entries_of(ben.client(), tenant_id=place.id) == [mine]
    assert entries_of(eve.client()) == []
    assert sorted(entries_of(client_for())) == [mine, elsewhere, member, left]


def test_issues_come_in_pages(database: Engine) -> None:
    place = workplace.found_tenant()
    for hour in range(6, 13):
        place.work(f"2026-02-02 {hour:02}:00", f"2026-02-02 {hour:02}:45", description="")
    workplace.validate(NIGHT)
    client, seen, cursor = client_for(), [], 0
    while cursor is not None:
        page = client.get(PATH, params={"limit": 3, "cursor": cursor}).json()
        seen += [one["id"] for one in page["issues"]]
        cursor = page["next"]
    assert seen == [one.id for one in workplace.issues()]


@pytest.mark.parametrize(
    "query",
    [{"tenant_id": "0"}, {"tenant_id": "1.0"}, {"tenant_id": str(2**63)}, {"limit": "501"}, {"cursor": "x"}],
)
def test_a_query_that_cannot_be_meant_is_refused(database: Engine, query: dict[str, str]) -> None:
    assert client_for().get(PATH, params=query).status_code == 422


def test_a_token_needs_the_scope(database: Engine) -> None:
    assert client_for("banking:read").get(PATH).status_code == 403
