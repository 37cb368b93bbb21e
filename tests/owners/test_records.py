"""The audit logs: what they show to whom, and what they have of denials and of administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from app.domains.audit.recording.recorder import Recorder, record_of
from app.http.observing import observed_by
from tests.api_client import client_for
from tests.owners import belongings
from tests.owners.routes import AUDIT, BOTH_DATABASES, HOUSEHOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.audit.records import OperationRecord
    from tests.owners.belongings import Belongings


pytestmark = pytest.mark.databases("sqlite")


@BOTH_DATABASES
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_the_audit_logs_show_a_person_their_own(ann: Belongings, bob: Belongings, role: Role) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    for log in ("operations", "logins", "operations.csv", "logins.csv"):
        for query in ({}, {"user_id": bob.user}, {"user": f"user:{bob.user}"}, {"limit": 1}):
            text = ann.client().get(f"{AUDIT}/{log}", params=query).text
            assert "canary-bob" not in text, (log, query)
            assert ("canary-ann" in text) == (query in ({}, {"limit": 1})), (log, query)
    root = belongings.person("canary-root", Role.ADMIN)
    assert "canary-bob" in root.client().get(f"{AUDIT}/operations").text


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    with observed_by(found.note):
        yield found


def recorded(recorder: Recorder) -> list[OperationRecord]:
    return [record_of(noted) for noted in recorder.take(at_most=100)]


def test_denials_and_what_an_administrator_looks_at_are_recorded(
    ann: Belongings, bob: Belongings, recorder: Recorder
) -> None:
    root = belongings.person("canary-root", Role.ADMIN)
    clients = ann.client(), root.client()
    recorder.take(at_most=100)
    for client in clients:
        for who in (ann, bob):
            client.get(f"/api/v1/users/{who.user}")
            client.get(f"{HOUSEHOLDS}/{who.ids['household_id']}/bills/{who.ids['bill_id']}")
        client.get("/api/v1/auth/me")
        client.get("/api/v1/products")
    client_for().get(f"/api/v1/users/{bob.user}")
    found = [(one.user_id, one.path, one.status) for one in recorded(recorder)]
    of_bob = (
        f"/api/v1/users/{bob.user}",
        f"{HOUSEHOLDS}/{bob.ids['household_id']}/bills/{bob.ids['bill_id']}",
    )
    of_ann = (
        f"/api/v1/users/{ann.user}",
        f"{HOUSEHOLDS}/{ann.ids['household_id']}/bills/{ann.ids['bill_id']}",
    )
    assert [one for one in found if one[0] == ann.user] == [(ann.user, path, 404) for path in of_bob]
    assert [one for one in found if one[0] == root.user] == [
        (root.user, path, 200) for path in (*of_ann, *of_bob)
    ]
    assert len(found) == 6
