"""What the health check found, over HTTP and on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.accounts.roles import Role, scopes_of
from app.health.checks import service
from app.health.checks.looks import CHECKS
from app.health.checks.scopes import INSPECT
from tests.api_client import client_for
from tests.command_line import groundwork

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture(autouse=True)
def checked(database: Engine) -> None:
    assert database
    carried = service.carry_out_all()
    with transaction() as session:
        service.record(session, carried)


def test_checks_are_listed_in_pages_the_newest_first() -> None:
    with client_for(INSPECT) as client:
        first = client.get("/api/v1/health/checks", params={"limit": 10}).json()
        second = client.get("/api/v1/health/checks", params={"limit": 10, "cursor": first["next"]}).json()
    kinds = [row["kind"] for row in first["checks"] + second["checks"]]
    assert kinds == [check.kind for check in reversed(CHECKS)]
    assert second["next"] is None


def test_one_kind_is_asked_for() -> None:
    with client_for(INSPECT) as client:
        (row,) = client.get("/api/v1/health/checks", params={"kind": "disk"}).json()["checks"]
    assert row["value"] > 0


@pytest.mark.parametrize("kind", ["", "disc", "日本", "x" * 51])
def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(kind: str) -> None:
    with client_for(INSPECT) as client:
        answer = client.get("/api/v1/health/checks", params={"kind": kind})
    assert answer.status_code == 422
    assert "detail" in answer.json()


def test_viewers_do_not_see_it_and_operators_do() -> None:
    with client_for("jobs:read") as client:
        assert client.get("/api/v1/health/checks").status_code == 403
    assert INSPECT not in scopes_of(Role.VIEWER)
    assert INSPECT in scopes_of(Role.OPERATOR)


def test_the_command_line_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(groundwork(capsys, "checks", "list", "--json").out)
    assert [row["kind"] for row in rows] == [check.kind for check in reversed(CHECKS)]
