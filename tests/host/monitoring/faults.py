"""What goes wrong on a host, and which alerts it is to raise."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Alert:
    """An alert by its name and some of its labels."""

    name: str
    labels: frozenset[tuple[str, str]] = frozenset()

    def is_meant(self, labels: dict[str, str]) -> bool:
        """Whether one with these labels is it; one of a single pool is not the one of all."""
        own = {("alertname", self.name), *self.labels}
        return own <= labels.items() and ("pool" in dict(self.labels)) >= ("pool" in labels)

    def __repr__(self) -> str:
        return f"{self.name}{dict(self.labels) or ''}"


def alert(name: str, /, **labels: str) -> Alert:
    """The alert of that name that has these labels, at least."""
    return Alert(name, frozenset(labels.items()))


@dataclass(frozen=True)
class Fault:
    """Commands of a shell that begin it and end it, on these hosts."""

    on: tuple[str, ...]
    begin: str
    end: str = "true"
    _: KW_ONLY
    alerts: tuple[Alert, ...] = ()
    #: Those that its end raises.
    afterwards: tuple[Alert, ...] = ()
    #: Takes away a trace that would keep an alert for an hour.
    tidy: str = "true"
