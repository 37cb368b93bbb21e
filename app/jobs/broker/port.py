"""What the ledger, the metrics and the doctor ask of a broker, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Of what is quarantined, the newest are kept: garbage may come in any amount.
KEPT = 1000


class Held(NamedTuple):
    """What a list holds."""

    length: int
    #: The messages that are taken next; None where nobody can see them without taking them.
    tail: Sequence[bytes] | None


class Quarantined(NamedTuple):
    """How much was quarantined: what is kept of it, and all there ever was, where the broker counts that."""

    kept: int
    total: int | None


class Broker(Protocol):
    """Every call ends within the publish timeout or so. Lists are named as `list_of` names them."""

    #: What its calls raise when it is away, or refuses.
    failures: tuple[type[Exception], ...]
    #: As it is called in probes, alerts and sentences.
    kind: str

    @property
    def place(self) -> str:
        """Its name and its URL, fit to be shown."""

    def push(self, name: str, message: bytes) -> int:
        """Send one message; how long its list is then, as far as is known."""

    def push_many(self, portions: Sequence[tuple[str, Sequence[bytes]]]) -> list[int | Exception]:
        """Send messages to several lists: each list's length, or why it did not take all of its portion."""

    def lengths(self, names: Sequence[str]) -> list[int]:
        """How many messages the lists hold."""

    def look(self, names: Sequence[str]) -> list[Held]:
        """What the lists hold."""

    def messages(self, name: str) -> Iterator[bytes] | None:
        """All messages of a list, as far as nobody takes them meanwhile; None where they cannot be seen."""

    def ping(self) -> None:
        """Ask it for any answer."""

    def add_to_quarantine(self, entry: str) -> None:
        """Quarantine an entry, and let go the oldest of too many."""

    def quarantine_entries(self, *, limit: int) -> list[bytes]:
        """What is in quarantine, the newest first."""

    def forget_quarantined(self, entry: bytes) -> bool:
        """Forget one entry of the quarantine; whether it was there."""

    def quarantined(self) -> Quarantined:
        """How much was quarantined."""

    def clear_quarantine(self) -> int:
        """Forget what is in quarantine; how much that was."""

    def close(self) -> None:
        """Forget connections, and what was learnt by them."""
