"""Stripe in a demonstration: whoever starts it again is still paid."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.fakes.http_server import Answer, HttpFake, Request
from tests.fakes.stripe_server import PAY, StripeServer


class Service(HttpFake):
    """Takes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Answer:
        self.told.append(json.loads(request.body))
        return Answer(status=200)


def test_no_event_and_no_payment_has_the_id_of_one_before_a_restart() -> None:
    service = Service().start()
    for _ in range(2):
        stripe = StripeServer(webhook_url=f"{service.url}/").start()
        paid = {"order": "ORD-000001", "amount": 100, "currency": "EUR"}
        assert httpx.post(f"{stripe.url}{PAY}", json=paid).json() == {"webhook": 200}
        stripe.close()
    service.close()
    assert len({one["id"] for one in service.told}) == 2
    assert len({one["data"]["object"]["payment_intent"] for one in service.told}) == 2
