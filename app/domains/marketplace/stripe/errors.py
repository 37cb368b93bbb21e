"""What can be wrong with what Stripe sends, each as one sentence."""

from __future__ import annotations

from app.errors import InvalidInput, Unauthorized, Unavailable


class InvalidSignature(Unauthorized):
    """Raised for a request that is not surely Stripe's, or not new."""

    code = "invalid_signature"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The request is refused: {problem}.")


class StripeNotConfigured(Unavailable):
    """Raised where nothing can be known for Stripe's."""

    code = "stripe_not_configured"

    def __init__(self) -> None:
        super().__init__(
            "Stripe's events are not taken here: set GROUNDWORK_STRIPE_WEBHOOK_SECRET to the signing secret "
            "of the endpoint at Stripe."
        )


class UnusableEvent(InvalidInput):
    """Raised for a signed event that does not say what its type promises."""

    code = "unusable_event"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The event cannot be used: {problem}.")
