"""Stripe as far as a demonstration needs it: what is paid there is told to the service by a signed event."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tests.fakes import stripe
from tests.fakes.http_server import Answer, HttpFake, Request

PAY = "/sandbox/pay"


@dataclass
class StripeServer(HttpFake):
    """Takes the money for an order at once."""

    webhook_url: str = ""

    def answer(self, request: Request) -> Answer:
        if (request.method, request.place) != ("POST", PAY):
            return Answer(status=404, body={"error": f"There is POST {PAY} alone."})
        wanted = request.json
        session = stripe.checkout_session(
            wanted["order"],
            payment=_new_id("pi"),
            amount=wanted["amount"],
            currency=wanted["currency"].lower(),
        )
        told = stripe.event("checkout.session.completed", session, event_id=_new_id("evt"))
        return Answer(status=200, body={"webhook": stripe.send(stripe.sign(told), url=self.webhook_url)})


def _new_id(kind: str) -> str:
    # Not counted: the service remembers what it was told before this process was started.
    return f"{kind}_{secrets.token_hex(12)}"
