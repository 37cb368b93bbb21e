"""Pricing over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger import store
from tests.api_client import anonymous, client_for
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

TRIGGER = "/api/v1/admin/discounts/trigger-recompute"


@pytest.fixture
def api(database: object) -> TestClient:
    return client_for("pricing:read", "pricing:write")


def test_a_trigger_becomes_a_job_that_can_be_followed(api: TestClient) -> None:
    answer = api.post(TRIGGER, params={"days_threshold": 14})
    assert answer.status_code == 202
    task_id = answer.json()["task_id"]
    assert answer.headers["Location"] == f"/api/v1/admin/discounts/task-status/{task_id}"
    status = api.get(answer.headers["Location"]).json()
    assert status["task"] == "pricing.recompute_all_discounts"
    assert status["state"] == "ready"
    assert status["result"] is None


def test_a_synchronous_trigger_does_the_work(api: TestClient) -> None:
    batch = shop.put(days=3)
    answer = api.post(TRIGGER, params={"async_task": "false"})
    assert answer.status_code == 200
    assert answer.json() == {
        "days_threshold": 30,
        "stats": {"examined": 1, "opened": 1, "changed": 0, "ended": 0, "unchanged": 0},
    }
    assert shop.active(batch) is not None


def test_a_trial_sells_by_the_day_that_it_plays(api: TestClient, configure: Callable[..., None]) -> None:
    shop.put(days=3)
    assert len(api.get("/api/v1/prices").json()["prices"]) == 1
    configure(pretend_now=(shop.now() + timedelta(days=4)).isoformat())
    assert api.get("/api/v1/prices").json()["prices"] == []


@pytest.mark.parametrize("days", ["-1", "3651", "x"])
def test_a_threshold_out_of_range_is_refused(api: TestClient, days: str) -> None:
    answer = api.post(TRIGGER, params={"days_threshold": days})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_status_of_an_unknown_task_is_404(api: TestClient) -> None:
    answer = api.get("/api/v1/admin/discounts/task-status/none")
    assert answer.status_code == 404
    assert answer.json()["code"] == "task_not_found"


def test_the_status_of_another_domains_job_is_404(api: TestClient) -> None:
    from tests.jobs.samples import greet

    with transaction() as session:
        [other] = accept(session, [new_job(greet.name, kwargs={"name": "Ada"})])
    assert api.get(f"/api/v1/admin/discounts/task-status/{other.id}").status_code == 404


def test_a_running_recompute_shows_its_progress(api: TestClient) -> None:
    task_id = api.post(TRIGGER).json()["task_id"]
    [claim] = store.claim(store.connection(), [store.Message(task_id, 0)], worker="here#1")
    store.checkpoint(
        store.connection(), job_id=task_id, fence=claim.fence, progress='{"done": 5, "total": 9}'
    )
    status = api.get(f"/api/v1/admin/discounts/task-status/{task_id}").json()
    assert status["state"] == "running"
    assert status["progress"] == {"done": 5, "total": 9}


def test_prices_are_exact_strings(api: TestClient) -> None:
    shop.put(days=1, category="bakery", price="300.00", quantity=2)
    shop.recompute()
    [price] = api.get("/api/v1/prices").json()["prices"]
    assert (price["base_price"], price["price"], price["discount_pct"]) == ("300.00", "200.00", "33.3333")


def test_a_product_its_batches_and_its_history_are_found_by_sku(api: TestClient) -> None:
    shop.put(days=3)
    shop.recompute()
    assert api.get("/api/v1/products/SKU-B1").json()["base_price"] == "10.00"
    [batch] = api.get("/api/v1/products/SKU-B1/batches").json()["batches"]
    assert (batch["batch"], batch["price"]) == ("B1", "6.00")
    assert api.get("/api/v1/products/SKU-B1/price-history").json() == {"history": [], "next": None}


def test_an_sku_may_hold_a_slash(api: TestClient) -> None:
    shop.put(sku="A/B c")
    assert api.get("/api/v1/products/A%2FB%20c").json()["sku"] == "A/B c"
    assert len(api.get("/api/v1/products/A%2FB%20c/batches").json()["batches"]) == 1


@pytest.mark.parametrize("path", ["", "/batches", "/price-history"])
def test_an_unknown_product_is_not_found(api: TestClient, path: str) -> None:
    answer = api.get(f"/api/v1/products/NOPE{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "product_not_found"


def test_pages_follow_each_other(api: TestClient) -> None:
    shop.put_many(5)
    first = api.get("/api/v1/prices", params={"limit": 3}).json()
    second = api.get("/api/v1/prices", params={"limit": 3, "cursor": first["next"]}).json()
    assert len(first["prices"]) == 3
    assert (len(second["prices"]), second["next"]) == (2, None)


def test_reading_does_not_allow_to_trigger() -> None:
    reader = client_for("pricing:read")
    assert reader.get("/api/v1/products").status_code == 200
    assert reader.post(TRIGGER).status_code == 403


def test_without_a_token_nothing_is_told() -> None:
    assert anonymous().get("/api/v1/prices").status_code == 401
