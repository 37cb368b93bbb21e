"""How the call of a provider can fail: what the delivery is then, and what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, NotFound
from app.jobs.errors import PermanentError, RetryableError
from app.logs import masking

if TYPE_CHECKING:
    from datetime import timedelta

    from app.outbound.deliveries.models import Delivery


class NotSent(RetryableError):
    """Raised by a provider that surely took nothing, and may take it later: busy, down, out of reach."""

    code = "not_sent"

    def __init__(self, sentence: str, *, after: timedelta | None = None) -> None:
        super().__init__(masking.sentence(sentence), after=after)


class Refused(PermanentError):
    """Raised by a provider that will never take it; `reason` is its own name for why."""

    code = "refused"

    def __init__(self, sentence: str, *, reason: str = "") -> None:
        super().__init__(masking.sentence(sentence))
        self.reason = reason


class OutcomeUnknown(Exception):
    """Raised by a provider that was given it, and whose answer did not come."""

    def __init__(self, sentence: str) -> None:
        super().__init__(masking.sentence(sentence))


class InProgress(RetryableError):
    """Raised when another job is calling the provider for this delivery right now."""

    code = "delivery_in_progress"

    def __init__(self, *, delivery: Delivery) -> None:
        super().__init__(f'Job {delivery.job_id} is sending delivery "{delivery.key}" now.')


class Uncertain(PermanentError):
    """Raised for a delivery that may have been sent, where sending it twice is worse than not at all."""

    code = "delivery_uncertain"

    def __init__(self, *, delivery: Delivery) -> None:
        super().__init__(
            f'It is not known whether delivery {delivery.id} ("{delivery.key}") was sent: {delivery.error} '
            f"Look for it at {delivery.provider}, then run: groundwork deliveries settle {delivery.id} "
            "--sent, or --not-sent to send it again, or --give-up."
        )


class DeliveryNotFound(NotFound):
    """Raised for an id that no delivery has."""

    code = "delivery_not_found"

    def __init__(self, *, delivery_id: int) -> None:
        super().__init__(f"There is no delivery with the id {delivery_id}.")


class NotUncertain(Conflict):
    """Raised when a delivery is to be settled that nobody doubts."""

    code = "delivery_not_uncertain"

    def __init__(self, *, delivery: Delivery) -> None:
        super().__init__(
            f"Delivery {delivery.id} is {delivery.state}; only an uncertain one is settled by hand."
        )


class ChangedMeanwhile(Conflict):
    """Raised for a decision about a delivery that is not any more as whoever decided has seen it."""

    code = "delivery_changed"

    def __init__(self, *, delivery: Delivery) -> None:
        super().__init__(
            f"Delivery {delivery.id} has changed since you looked at it, so that nothing was done: it is "
            f"{delivery.state} now. Look at it again, and decide then."
        )
