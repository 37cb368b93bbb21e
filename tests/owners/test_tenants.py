"""Tenants: members see them and enter their own time, admins change them and decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.accounts.roles import Role
from app.domains.billing.models import Role as TenantRole
from tests.api_client import client_for
from tests.owners import belongings
from tests.owners.routes import BILLING, BOTH_DATABASES, WORK, ask, of_one_person

if TYPE_CHECKING:
    from tests.owners.belongings import Belongings
    from tests.owners.routes import Route

pytestmark = pytest.mark.databases("sqlite")

TENANTS = f"{BILLING}/tenants"
NEW = {"name": "New", "address": "A", "country": "DE", "email": "new@example.org", "timezone": "UTC"}


def of_tenants() -> list[Route]:
    """What is below /billing and is not about an entry, which is its worker's."""
    found = [route for route in of_one_person() if route.path.startswith(BILLING)]
    return [route for route in found if "entry_id" not in route.owner.ids]


@BOTH_DATABASES
def test_a_member_sees_what_an_admin_of_the_tenant_changes(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.work_for(cleo, ann)
    client = cleo.client()
    assert len(of_tenants()) > 15
    for route in of_tenants():
        answer = ask(client, route, ann.ids)
        if "Members" in route.owner.says:
            assert answer.status_code in (200, 201, 409, 422), (route, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_tenant_admin"), route


def test_a_member_is_not_shown_what_time_costs(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.work_for(cleo, ann)
    for path in (f"clients/{ann.ids['client_id']}/rules", f"rules/{ann.ids['rule_id']}"):
        assert ann.client().get(f"{BILLING}/{path}").status_code == 200
        refused = cleo.client().get(f"{BILLING}/{path}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_tenant_admin")


def test_tenants_are_listed_to_their_members_in_full_pages(ann: Belongings, bob: Belongings) -> None:
    others = [belongings.somebody(f"canary-{number}") for number in range(3)]
    for other in others[::2]:
        belongings.work_for(ann, other)
    mine = [who.ids["tenant_id"] for who in (ann, *others[::2])]
    client = ann.client()
    first = client.get(TENANTS, params={"limit": 2}).json()
    second = client.get(TENANTS, params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["id"] for one in first["tenants"]] == mine[:2]
    assert [one["id"] for one in second["tenants"]] == mine[2:]
    assert second["next"] is None
    assert len(client_for("billing:read").get(TENANTS).json()["tenants"]) == 5


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_administrators_create_tenants(ann: Belongings, role: Role) -> None:
    dora = belongings.person("canary-dora", role)
    body = NEW | {"admins": [dora.user]}
    refused = dora.client().post(TENANTS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    root = belongings.person("canary-root", Role.ADMIN)
    assert root.client().post(TENANTS, json=body).status_code == 201
    assert client_for("billing:write").post(TENANTS, json=body).status_code == 201
    assert [one["name"] for one in dora.client().get(TENANTS).json()["tenants"]] == ["New", "New"]


def test_an_admin_of_a_tenant_asks_in_vain_who_is_registered(ann: Belongings, bob: Belongings) -> None:
    members = f"{TENANTS}/{ann.ids['tenant_id']}/members"
    client, role = ann.client(), {"role": "member"}
    answers = [client.put(f"{members}/{user_id}", json=role) for user_id in (bob.user, 4_711)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "not_a_member")}
    assert client_for().put(f"{members}/{bob.user}", json=role).status_code == 200
    assert client.put(f"{members}/{bob.user}", json={"role": "admin"}).json()["role"] == "admin"
    assert client_for().put(f"{members}/4711", json=role).json()["code"] == "unknown_users"


def test_a_member_who_becomes_an_admin_may_what_admins_may(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    path = f"{BILLING}/clients/{ann.ids['client_id']}/end"
    for role, status in ((TenantRole.MEMBER, 403), (TenantRole.ADMIN, 200), (TenantRole.MEMBER, 403)):
        belongings.work_for(cleo, ann, role)
        assert cleo.client().post(path).status_code == status


def test_a_member_enters_their_own_time_and_sees_no_other(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.work_for(cleo, ann)
    client, admin = cleo.client(), ann.client()
    project = f"{BILLING}/projects/{ann.ids['project_id']}/entries"
    refused = client.post(project, json=WORK | {"user_id": ann.user})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_a_member")
    mine = client.post(project, json=WORK).json()
    assert (mine["user_id"], mine["state"]) == (cleo.user, "pending")
    listed = f"{TENANTS}/{ann.ids['tenant_id']}/entries"
    everything = [mine["id"], ann.ids["entry_id"]]
    assert [one["id"] for one in client.get(listed).json()["entries"]] == [mine["id"]]
    assert client.get(listed, params={"user_id": ann.user}).json()["entries"] == []
    assert [one["id"] for one in admin.get(listed).json()["entries"]] == everything
    for path, status in ((mine["id"], 200), (ann.ids["entry_id"], 404), (4_711, 404)):
        assert client.get(f"{BILLING}/entries/{path}").status_code == status
    assert admin.get(f"{BILLING}/entries/{mine['id']}").status_code == 200


def test_a_member_does_not_decide_on_their_own_time(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.work_for(cleo, ann)
    client = cleo.client()
    mine = client.post(f"{BILLING}/projects/{ann.ids['project_id']}/entries", json=WORK).json()["id"]
    for what in ("approve", "reject", "reopen"):
        body = {"reason": "Mine"} if what == "reject" else None
        for entry_id, status in ((mine, 403), (ann.ids["entry_id"], 404)):
            assert client.post(f"{BILLING}/entries/{entry_id}/{what}", json=body).status_code == status
    assert client.get(f"{BILLING}/entries/{mine}").json()["state"] == "pending"
    assert ann.client().post(f"{BILLING}/entries/{mine}/approve").json()["decided_by"] == ann.user


def test_who_left_a_tenant_sees_their_time_no_more(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.work_for(cleo, ann)
    mine = cleo.client().post(f"{BILLING}/projects/{ann.ids['project_id']}/entries", json=WORK).json()["id"]
    members = f"{TENANTS}/{ann.ids['tenant_id']}/members"
    assert ann.client().delete(f"{members}/{cleo.user}").status_code == 204
    assert cleo.client().get(f"{BILLING}/entries/{mine}").status_code == 404
    assert ann.client().get(f"{BILLING}/entries/{mine}").json()["user_id"] == cleo.user
