"""The audit logs are searched and exported over HTTP, by those who may."""

from __future__ import annotations

import csv
import io
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.domains.audit import search, service
from app.domains.audit.records import moment
from tests.api_client import client_for
from tests.domains.audit.log import record, write
from tests.jobs.web.test_metrics import sample

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("database")
OPERATIONS, LOGINS = "/api/v1/audit/operations", "/api/v1/audit/logins"
SECOND = 10**9
NOON = 1_795_000_000 * SECOND


@pytest.fixture
def api(database: object) -> TestClient:
    return client_for("audit:read")


def paths(api: TestClient, **query: Any) -> list[str]:
    answer = api.get(OPERATIONS, params=query)
    assert answer.status_code == 200, answer.text
    return [one["path"] for one in answer.json()["operations"]]


def at(seconds: float) -> str:
    return moment(NOON + int(seconds * SECOND)).isoformat()


RECORDS = (
    {"path": "/a/1", "user_name": "ann", "user_id": 1, "status": 200, "trace_id": "t1", "route": "/a/{id}"},
    {"path": "/A/2", "user_name": "bob", "user_id": 2, "status": 403, "code": "missing_scope"},
    {"path": "/b/1", "user_name": "ann", "user_id": 1, "method": "DELETE", "address": "203.0.113.7"},
    {"path": "/a%_/1", "user_name": "дмитрий", "status": 500, "code": "internal_error"},
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["/a%_/1", "/b/1", "/A/2", "/a/1"]),
        ({"user": "ann"}, ["/b/1", "/a/1"]),
        ({"user": "дмитрий"}, ["/a%_/1"]),
        ({"user_id": 2}, ["/A/2"]),
        ({"method": "delete"}, ["/b/1"]),
        ({"route": "/a/{id}"}, ["/a/1"]),
        ({"path": "/a"}, ["/a%_/1", "/a/1"]),
        ({"path": "/a%"}, ["/a%_/1"]),
        ({"path": "/a/_"}, []),
        ({"status": 403}, ["/A/2"]),
        ({"code": "internal_error"}, ["/a%_/1"]),
        ({"address": "203.0.113.7"}, ["/b/1"]),
        ({"trace_id": "t1"}, ["/a/1"]),
        ({"after": at(2)}, ["/a%_/1", "/b/1"]),
        ({"before": at(2)}, ["/A/2", "/a/1"]),
        ({"after": at(1), "before": at(3)}, ["/b/1", "/A/2"]),
        ({"after": at(0.9999999), "before": at(1.00001)}, ["/A/2"]),
        ({"after": "9999-12-31T23:59:59Z"}, []),
        ({"before": "0001-01-01T00:00:00Z"}, []),
        ({"user": "ann", "method": "POST"}, ["/a/1"]),
        ({"user": "nobody' OR 1=1 --"}, []),
    ],
)
def test_a_filter_narrows(api: TestClient, query: dict[str, Any], found: list[str]) -> None:
    write(*(record(at=NOON + number * SECOND, **values) for number, values in enumerate(RECORDS)))
    assert paths(api, **query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"status": "NaN"},
        {"status": -1},
        {"user_id": 2**63},
        {"limit": 0},
        {"limit": 501},
        {"cursor": "x"},
        {"after": "yesterday"},
        {"user": ""},
        {"path": "x" * 501},
        {"surprise": "x"},
    ],
)
def test_what_is_no_filter_is_refused_by_its_name(api: TestClient, query: dict[str, Any]) -> None:
    answer = api.get(OPERATIONS, params=query)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == list(query)


def test_the_farthest_moment_is_no_error(api: TestClient) -> None:
    assert paths(api, before="9999-12-31T23:59:59.999999Z") == []


def test_pages_hold_each_record_once_while_others_are_added(api: TestClient) -> None:
    write(*(record(at=NOON + number, path=f"/{number}") for number in range(25)))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get(OPERATIONS, params={"limit": 10, **cursor}).json()
        seen += [one["id"] for one in page["operations"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        write(record(at=NOON + SECOND))
    assert len(seen) == len(set(seen)) == 25


def test_logins_are_searched_by_how_they_ended(api: TestClient) -> None:
    with transaction() as session:
        service.write_logins(
            session,
            [
                {"id": one["id"], "at": one["at"], "status": status, "user_name": status}
                for one, status in ((record(), "success"), (record(), "failure"))
            ],
        )
    found = api.get(LOGINS, params={"status": "failure"}).json()["logins"]
    assert [one["user_name"] for one in found] == ["failure"]
    assert api.get(LOGINS, params={"status": "perhaps"}).status_code == 422
    lines = api.get(f"{LOGINS}.csv").text.splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize("path", [OPERATIONS, LOGINS, f"{OPERATIONS}.csv", f"{LOGINS}.csv"])
def test_others_may_not_look(path: str) -> None:
    answer = client_for("jobs:read", "audit:write").get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_an_export_has_all_that_fits_in_the_form_of_a_spreadsheet(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CHUNK", 4)
    write(*(record(at=NOON + number * SECOND, path=f"/{number}") for number in range(9)))
    write(record(at=NOON + 9 * SECOND, path='=HYPERLINK("http://evil")', user_agent='a,\n"b" 字'))
    answer = api.get(f"{OPERATIONS}.csv", params={"limit": 8})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="operations.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["path"] for row in rows] == [
        '\'=HYPERLINK("http://evil")',
        *(f"/{number}" for number in range(8, 1, -1)),
    ]
    assert rows[0]["user_agent"] == 'a,\n"b" 字'
    assert api.get(f"{OPERATIONS}.csv", params={"limit": 100_001}).status_code == 422


def test_what_was_left_out_is_a_metric() -> None:
    write(
        record(code="audit_refusals_left_out", left_out=5), record(code="audit_refusals_left_out", left_out=2)
    )
    assert sample("audit_left_out", code="audit_refusals_left_out") == 7
    assert sample("audit_left_out", code="audit_records_dropped") == 0


def test_a_clock_that_goes_back_hides_nothing(api: TestClient) -> None:
    now = time.time_ns()
    write(record(at=now, path="/later"))
    write(record(at=now - 3_600 * SECOND, path="/earlier"))
    assert paths(api) == ["/later", "/earlier"]
    assert paths(api, before=(moment(now) - timedelta(minutes=1)).isoformat()) == ["/earlier"]
