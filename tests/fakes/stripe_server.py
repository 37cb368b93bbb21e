"""Stripe as far as a demonstration needs it: what is paid there is told to the service by a signed event."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from tests.fakes import stripe
from tests.fakes.http_server import Answer, HttpFake, Request

PAY = "/sandbox/pay"


@dataclass
class StripeServer(HttpFake):
    """Takes the money for an order at once."""

    webhook_url: str = ""
    _payments: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, request: Request) -> Answer:
        if (request.method, request.place) != ("POST", PAY):
            return Answer(status=404, body={"error": f"There is POST {PAY} alone."})
        wanted = request.json
        session = stripe.checkout_session(
            wanted["order"],
            payment=f"pi_{next(self._payments)}",
            amount=wanted["amount"],
            currency=wanted["currency"].lower(),
        )
        signed = stripe.sign(stripe.event("checkout.session.completed", session))
        return Answer(status=200, body={"webhook": stripe.send(signed, url=self.webhook_url)})
