"""The routes of the application, and requests to them for what belongs to somebody."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fastapi.routing import iter_route_contexts

from app.api import app
from app.http.routing import asks_of
from app.tokens.open_paths import header_verified_at, is_open_to_strangers
from app.tokens.owners import BY_SCOPE, OPERATED, Owner

if TYPE_CHECKING:
    from httpx import Response
    from starlette.testclient import TestClient


BOTH_DATABASES = pytest.mark.databases("sqlite", "postgresql")
#: They tell nothing of anybody.
NOBODYS = {"/livez", "/readyz", "/api/v1/openapi.json"}
JOBS = "/api/v1/jobs"
HOUSEHOLDS = "/api/v1/banking/households"
AUDIT = "/api/v1/audit"
SCHEDULES = "/api/v1/schedules"
BILLING = "/api/v1/billing"


class Route(NamedTuple):
    """A route as far as it says whom it serves."""

    method: str
    path: str
    asks: tuple[tuple[str, Owner], ...]

    @property
    def owner(self) -> Owner:
        return self.asks[0][1]

    @property
    def by_scope(self) -> bool:
        return self.owner in (BY_SCOPE, OPERATED)


@cache
def routes() -> list[Route]:
    """All of the application that are not open to strangers."""
    return [
        Route(method, route.path or "", tuple(asks_of(getattr(route, "dependant", None))))
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if route.path not in NOBODYS and not is_open_to_strangers(route.path or "")
        if method != "HEAD" and not header_verified_at(route.path or "")
    ]


#: What a route is sent so that it would do something for whom it serves.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/api/v1/users/{user_id}"): {"name": "Changed"},
    ("POST", "/api/v1/users/{user_id}/push-endpoints"): {"platform": "fcm", "address": "another-device"},
    ("POST", "/api/v1/users/{user_id}/integrations/authorizations"): {"provider": "google"},
    ("POST", "/api/v1/users/{user_id}/integrations"): {"provider": "google", "code": "c", "state": "s"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/link-token"): {"user_id": "user_id"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/items"): {"public_token": "public-sandbox-1"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/categories"): {"name": "Another"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/bills/{{bill_id}}/paid"): {"due": "2030-01-31"},
    ("PUT", f"{HOUSEHOLDS}/{{household_id}}/budgets/{{budget_id}}"): {"amount": "5"},
}
BILL = {"name": "New", "amount": "5", "currency": "EUR", "rule": "once", "next_due": "2030-01-01"}
BODIES[("POST", f"{HOUSEHOLDS}/{{household_id}}/bills")] = BILL
BODIES[("PUT", f"{HOUSEHOLDS}/{{household_id}}/bills/{{bill_id}}")] = BILL
BODIES[("POST", f"{HOUSEHOLDS}/{{household_id}}/budgets")] = {
    "category_id": "category_id",
    "period": "year",
    "amount": "5",
}
BODIES[("POST", "/api/v1/users/{user_id}/erasure")] = {"confirm": "canary-ann@example.org"}
BODIES[("POST", "/api/v1/users/{user_id}/exports")] = {"format": "csv"}
PARTY = {"name": "New", "address": "A", "country": "DE", "email": "new@example.org", "timezone": "UTC"}
RULE = {"kind": "fixed", "currency": "EUR", "fee": "5", "tax": {"percent": "19"}}
RULE |= {"effective_from": "2030-01-01"}
WORK = {"started_at": "2030-01-01T09:00", "ended_at": "2030-01-01T10:00", "description": "New"}
IMPORT = "key,client,project,started_at,ended_at\nk,New,New,2030-01-01T09:00,2030-01-01T10:00\n"
BODIES |= {
    ("PUT", f"{BILLING}/tenants/{{tenant_id}}"): PARTY,
    ("PUT", f"{BILLING}/tenants/{{tenant_id}}/members/{{user_id}}"): {"role": "admin"},
    ("POST", f"{BILLING}/tenants/{{tenant_id}}/clients"): PARTY,
    ("PUT", f"{BILLING}/clients/{{client_id}}"): PARTY,
    ("POST", f"{BILLING}/clients/{{client_id}}/projects"): {"name": "New"},
    ("PUT", f"{BILLING}/projects/{{project_id}}"): {"name": "New"},
    ("POST", f"{BILLING}/clients/{{client_id}}/rules"): RULE | {"project_id": "project_id"},
    ("PUT", f"{BILLING}/rules/{{rule_id}}"): RULE,
    ("POST", f"{BILLING}/rules/{{rule_id}}/end"): {"effective_to": "2030-12-31"},
    ("POST", f"{BILLING}/projects/{{project_id}}/entries"): WORK | {"user_id": "user_id"},
    ("PUT", f"{BILLING}/entries/{{entry_id}}"): WORK | {"project_id": "project_id"},
    ("POST", f"{BILLING}/entries/{{entry_id}}/reject"): {"reason": "New"},
    ("POST", f"{BILLING}/tenants/{{tenant_id}}/entries/approve"): {"wanted": {"period": "2026-03"}},
    ("POST", f"{BILLING}/tenants/{{tenant_id}}/entries/reject"): {"ids": [1], "reason": "New"},
    ("POST", "/api/v1/invoices/{invoice_id}/payments"): {"key": "new", "amount": "1", "currency": "EUR"},
    ("POST", "/api/v1/invoices/{invoice_id}/paid"): {},
    ("POST", f"{BILLING}/tenants/{{tenant_id}}/entries/import"): {"content": IMPORT},
    ("PUT", "/api/v1/users/{user_id}/capture-rules"): {"rules": []},
}


def ask(client: TestClient, route: Route, ids: dict[str, Any]) -> Response:
    """Ask for what has `ids`, in the path and in the body."""
    body = BODIES.get((route.method, route.path))
    if body is not None:
        body = {
            name: ids.get(value, value) if name.endswith("_id") else value for name, value in body.items()
        }
    path = re.sub(r"{(\w+)(?::path)?}", lambda match: str(ids.get(match[1], "nothing")), route.path)
    answer: Response = client.request(route.method, path, json=body)
    return answer


def of_one_person(*, but: str | None = "/events") -> list[Route]:
    """The routes that have the ids of somebody's own in their paths; one's own events have no end here."""
    return [route for route in routes() if route.owner.ids and not (but and route.path.endswith(but))]
