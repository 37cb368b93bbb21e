"""Reports over HTTP: listed and downloaded by those who operate the service, and nobody else."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.accounts.roles import Role
from app.domains.marketplace.reports import periods
from app.domains.marketplace.reports.models import Form
from tests.api_client import anonymous, client_for
from tests.domains.accounts.people import add_person, client_of
from tests.domains.marketplace.reports import shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
REPORTS = "/api/v1/marketplace/reports"


@pytest.fixture(autouse=True)
def _files(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(storage=tmp_path / "files")


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_reports_are_listed_the_newest_first_and_downloaded() -> None:
    for day in (29, 31, 30):
        shop.make(periods.of_day(date(2026, 1, day)))
    shop.make(shop.JANUARY)
    client = client_for("sales:report")
    first = ok(client.get(f"{REPORTS}/daily?limit=2"))
    assert [one["period"] for one in first["reports"]] == ["2026-01-31", "2026-01-30"]
    rest = ok(client.get(f"{REPORTS}/daily?limit=2&before={first['next']}"))
    assert ([one["period"] for one in rest["reports"]], rest["next"]) == (["2026-01-29"], None)
    [month] = ok(client.get(f"{REPORTS}/monthly"))["reports"]
    assert {one["media_type"] for one in month["files"]} == {"application/pdf", "text/csv"}
    for form in Form:
        given = ok(client.get(f"{REPORTS}/monthly/2026-01/{form}"))
        file = anonymous().get(given["url"])
        assert file.headers["content-type"].startswith(form.media_type)
        assert f'filename="sales-2026-01.{form}"' in file.headers["content-disposition"]
        assert sha256(file.content).hexdigest() == given["sha256"]


def test_who_does_not_operate_the_service_sees_no_report() -> None:
    shop.make()
    path = f"{REPORTS}/daily/{shop.TODAY}/pdf"
    statuses = {}
    for role in Role:
        email = f"{role}@example.org"
        add_person(email, role=role)
        statuses[role] = {client_of(email).get(url).status_code for url in (f"{REPORTS}/daily", path)}
    assert statuses == {Role.VIEWER: {403}, Role.OPERATOR: {200}, Role.ADMIN: {200}}
    assert anonymous().get(path).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("daily/2026-01-30/pdf", 404),
        ("daily/2026-01/pdf", 404),
        ("monthly/2026-01-31/csv", 404),
        ("daily/2026-01-31/exe", 422),
        ("daily/..%2Fpasswd/pdf", 404),
        ("yearly/2026/pdf", 422),
        ("daily?before=yesterday", 422),
        ("daily?limit=0", 422),
    ],
)
def test_what_is_not_there_is_said_not_to_be(path: str, status: int) -> None:
    shop.make()
    assert client_for("sales:report").get(f"{REPORTS}/{path}").status_code == status
