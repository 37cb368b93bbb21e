"""What a provider tells of a call: how far it came, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class HandOver:
    """How far the call of a provider has come.

    The provider says `begin` just before it sends the first byte that can have an effect. What goes wrong
    before that, whatever it is, means that nothing was sent; after it, that the outcome is not known.
    """

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self) -> None:
        """From here on there may be an effect."""
        self.has_begun = True

    def take_back(self) -> None:
        """The provider has said that there is none."""
        self.has_begun = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a provider took: its id for it, and what a person should know of the rest."""

    provider_id: str
    #: What it refused for good, in a sentence.
    refused: str | None = None
    #: What it takes later, as the content of the delivery from now on, and the sentence that says so.
    left: dict[str, Any] | None = None
    why_left: str = ""
