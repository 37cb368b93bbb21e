"""What can be wrong with what Slack sends, each as one sentence."""

from __future__ import annotations

from app.errors import InvalidInput, Unauthorized


class InvalidSignature(Unauthorized):
    """Raised for a request that is not surely Slack's, or not new."""

    code = "invalid_signature"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The request is refused: {problem}.")


class UnusableEvent(InvalidInput):
    """Raised for a signed request of Slack in which there is no event."""

    code = "unusable_event"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The event cannot be used: {problem}.")
