"""What a transport took of a mail: for whom, for whom never, and for whom not yet."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A mail that left for all recipients but those named here, each with the reason."""

    id: str
    refused: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)
