"""The routes of invoices, and of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.billing.invoices.generating.generation import GENERATE_TASK
from app.domains.billing.invoices.models import Invoice
from app.domains.billing.invoices.sending.mailing import MAIL_TASK
from app.jobs.ledger.models import Job, State
from tests.api_client import client_for
from tests.domains.billing.invoices.office import FIXED, found_office, run
from tests.domains.notifications.people import jobs_of
from tests.owners.belongings import somebody, work_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")

API = "/api/v1"
NOVEMBER = "2026-11-03T12:00:00Z"


@pytest.fixture
def api(database: Engine, configure: Callable[..., None]) -> TestClient:
    """A caller with a token; there is a draft over 595.00 EUR."""
    configure(pretend_now=NOVEMBER)
    found_office().client().rule(**FIXED)
    run()
    return client_for()


def change(**facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Invoice).values(**facts))


def end(job_id: str, **facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**facts))


def test_generating_is_queued_and_can_be_followed(api: TestClient) -> None:
    answer = api.post(f"{API}/invoices/generate?period=2026-10")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (202, "queued")
    assert told["status_url"] == answer.headers["Location"] == f"{API}/tasks/{told['task_id']}"
    (job,) = jobs_of(GENERATE_TASK)
    assert (job.id, job.kwargs, job.queue) == (told["task_id"], {"billing_period": "2026-10"}, "invoices")
    waiting = api.get(told["status_url"]).json()
    assert waiting == {"task_id": job.id, "state": "PENDING", "result": None}
    end(job.id, state=State.DONE, result={"made": 3})
    assert api.get(told["status_url"]).json() == {
        "task_id": job.id,
        "state": "SUCCESS",
        "result": {"made": 3},
    }
    end(job.id, state=State.DEAD, result=None, error="It broke.")
    failed = api.get(told["status_url"]).json()
    assert (failed["state"], failed["result"]["exc_message"]) == ("FAILURE", ["It broke."])


def test_a_task_that_is_not_there(api: TestClient) -> None:
    answer = api.get(f"{API}/tasks/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_what_came_of_a_task_needs_its_scope(api: TestClient) -> None:
    task_id = api.post(f"{API}/invoices/generate").json()["task_id"]
    end(task_id, state=State.DONE, result={"made": 3})
    assert client_for("jobs:read").get(f"{API}/tasks/{task_id}").json()["result"] == "***"
    assert client_for("jobs:read", "billing:write").get(f"{API}/tasks/{task_id}").json()["result"] == {
        "made": 3
    }
    assert client_for("billing:write").get(f"{API}/tasks/{task_id}").status_code == 403


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ("2026-13", "malformed_period"),
        ("", "malformed_period"),
        ("\u0662\u0660\u0662\u0666-\u0661\u0660", "malformed_period"),
        ("x" * 20, "malformed_period"),
        ("9999-01", "year_not_allowed"),
        ("2026-11", "period_not_over"),
        ("2199-12", "period_not_over"),
    ],
)
def test_a_month_that_is_none_or_not_over_is_refused(api: TestClient, period: str, code: str) -> None:
    answer = api.post(f"{API}/invoices/generate", params={"period": period})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert jobs_of(GENERATE_TASK) == []


def test_invoices_are_listed_and_shown_whole(api: TestClient) -> None:
    found_office(number_prefix="Z").client().rule(**FIXED)
    run()
    page = api.get(f"{API}/invoices", params={"limit": 1}).json()
    assert ([one["number"] for one in page["invoices"]], page["next"]) == (["Z2026-0001"], 2)
    rest = api.get(f"{API}/invoices", params={"limit": 1, "cursor": page["next"]}).json()
    assert ([one["number"] for one in rest["invoices"]], rest["next"]) == (["R2026-0001"], None)
    narrowed = {"tenant_id": 2, "client_id": 2, "state": "draft"}
    assert len(api.get(f"{API}/invoices", params=narrowed).json()["invoices"]) == 1
    assert api.get(f"{API}/invoices", params=narrowed | {"state": "sent"}).json()["invoices"] == []
    whole = api.get(f"{API}/invoices/1").json()
    assert (whole["gross"], whole["due"], whole["buyer"]["country"]) == ("595.00", "595.00", "DE")
    assert [(line["kind"], line["net"], line["tax_percent"]) for line in whole["lines"]] == [
        ("fee", "500.00", "19")
    ]
    assert whole["taxes"] == [
        {"category": "S", "percent": "19", "reason": None, "net": "500.00", "tax": "95.00"}
    ]
    assert api.get(f"{API}/invoices/99").json()["code"] == "invoice_not_found"


def test_a_pdf_is_downloaded_once(api: TestClient) -> None:
    first = api.get(f"{API}/invoices/1/pdf")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/pdf")
    assert first.content.startswith(b"%PDF")
    assert first.headers["Content-Disposition"] == 'attachment; filename="invoice-R2026-0001.pdf"'
    again = api.get(f"{API}/invoices/1/pdf", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    changed = api.get(f"{API}/invoices/1/pdf", headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)


def test_an_invoice_is_sent_paid_and_credited(api: TestClient) -> None:
    sent = api.post(f"{API}/invoices/1/send")
    assert (sent.status_code, sent.json()["status"]) == (202, "queued")
    assert [job.id for job in jobs_of(MAIL_TASK)] == [sent.json()["task_id"]]
    change(state="sent")
    assert api.post(f"{API}/invoices/1/send").json()["code"] == "wrong_invoice_state"
    payment = {"key": "bank-1", "amount": "95.00", "currency": "EUR"}
    for _ in range(2):
        made = api.post(f"{API}/invoices/1/payments", json=payment)
        assert (made.status_code, made.json()["amount"], made.json()["received_on"]) == (
            201,
            "95.00",
            "2026-11-03",
        )
    assert [one["key"] for one in api.get(f"{API}/invoices/1").json()["payments"]] == ["bank-1"]
    paid = api.post(f"{API}/invoices/1/paid", json={}).json()
    assert (paid["state"], paid["paid"], paid["due"]) == ("paid", "595.00", "0.00")
    note = api.post(f"{API}/invoices/1/credit")
    assert (note.status_code, note.json()["gross"], note.json()["credits_id"]) == (201, "-595.00", 1)
    assert api.get(f"{API}/invoices/1").json()["state"] == "credited"


def test_a_draft_is_canceled(api: TestClient) -> None:
    assert api.post(f"{API}/invoices/1/cancel").json()["state"] == "canceled"
    assert api.post(f"{API}/invoices/1/credit").json()["code"] == "wrong_invoice_state"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 95.0},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "1e3"},
        {"amount": "95.001"},
        {"amount": "9999999999999999"},
        {"currency": "EURO"},
        {"currency": "USD"},
        {"key": ""},
        {"key": "a\x00"},
        {"key": "a\nb"},
        {"key": "x" * 201},
        {"received_on": "9999-12-31"},
        {"received_on": "2026-11-04"},
        {"note": "x"},
    ],
    ids=str,
)
def test_what_is_no_payment_is_refused_in_a_sentence(api: TestClient, wrong: dict[str, Any]) -> None:
    change(state="sent")
    given = {"key": "k", "amount": "95.00", "currency": "EUR"} | wrong
    answer = api.post(f"{API}/invoices/1/payments", json=given)
    assert answer.status_code == 422
    assert api.get(f"{API}/invoices/1").json()["paid"] == "0.00"


def test_admins_see_and_make_the_invoices_of_their_own_tenant(api: TestClient) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    mine = ann.client()
    assert [one["number"] for one in mine.get(f"{API}/invoices").json()["invoices"]] == ["ann-1"]
    assert mine.get(f"{API}/invoices/{bob.ids['invoice_id']}").status_code == 404
    mine.post(f"{API}/invoices/generate")
    assert [job.kwargs for job in jobs_of(GENERATE_TASK)] == [{"tenant_id": ann.ids["tenant_id"]}]
    asked = {"tenant_id": bob.ids["tenant_id"]}
    refused = mine.post(f"{API}/invoices/generate", params=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "which_tenant")


def test_members_who_are_no_admins_see_no_invoice(api: TestClient) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    work_for(bob, ann)
    client = bob.client()
    assert [one["number"] for one in client.get(f"{API}/invoices").json()["invoices"]] == ["bob-1"]
    answer = client.get(f"{API}/invoices/{ann.ids['invoice_id']}")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_tenant_admin")
