"""The route that imports time entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.billing.time_capture.imports.schemas import MAX_CONTENT, MAX_NAMED
from app.http.bodies import DEFAULT_LIMIT
from tests.api_client import client_for
from tests.domains.billing import trade
from tests.domains.billing.time_capture.imports.test_files import HEADER, with_address

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from tests.domains.billing.trade import Trade

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


@pytest.fixture
def api(made: Trade) -> TestClient:
    return client_for("billing:read", "billing:write")


def row(made: Trade, key: str, description: str = "Plans") -> str:
    _, address = with_address(made.admin)
    times = "2026-03-02T09:00,2026-03-02T17:00"
    return f"{key},Ada Ltd client,Ada Ltd project,{address},{times},,{description}\n"


def path(made: Trade) -> str:
    return f"/api/v1/billing/tenants/{made.tenant}/entries/import"


def test_a_file_larger_than_other_bodies_is_imported(api: TestClient, made: Trade) -> None:
    content = HEADER + "".join(row(made, f"k{number}", "x" * 900) for number in range(400))
    assert len(content) > DEFAULT_LIMIT
    answer = api.post(path(made), json={"content": content + "bad,row\n", "name": "march.csv"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "created": 400,
        "updated": 0,
        "unchanged": 0,
        "refused": 1,
        "problems": [{"line": 402, "reason": "the row has 2 cells, the header 8"}],
    }
    listed = api.get(f"/api/v1/billing/tenants/{made.tenant}/entries", params={"limit": 500}).json()
    keys = {entry["external_key"] for entry in listed["entries"]}
    assert keys == {f"k{number}" for number in range(400)}


def test_no_more_rows_are_named_than_an_answer_takes(api: TestClient, made: Trade) -> None:
    answer = api.post(path(made), json={"content": HEADER + "bad\n" * (MAX_NAMED + 5)}).json()
    assert (answer["refused"], len(answer["problems"])) == (MAX_NAMED + 5, MAX_NAMED)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", 422, "content: String should have at least 1 character"),
        ("x" * (MAX_CONTENT + 1), 422, f"content: String should have at most {MAX_CONTENT} characters"),
        ("x" * (13 * 1024 * 1024), 413, "The body is over"),
        ("a\0b", 422, "content: A string holds a NUL"),
        ("\n", 422, "entries.csv: the file is empty"),
        ("key;client\n", 422, "entries.csv: the columns are separated by semicolons"),
    ],
)
def test_what_is_no_file(api: TestClient, made: Trade, content: str, code: int, says: str) -> None:
    answer = api.post(path(made), json={"content": content})
    assert answer.status_code == code
    assert says in answer.json()["detail"]


def test_a_tenant_that_is_not_there(api: TestClient) -> None:
    answer = api.post("/api/v1/billing/tenants/4711/entries/import", json={"content": HEADER})
    assert (answer.status_code, answer.json()["code"]) == (404, "tenant_not_found")
