"""What a check is, and what it finds."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.health.doctor.finding import Finding

ABOUT = "health"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look found: a finding for each subject, and what was measured."""

    findings: Mapping[str, Finding] = field(default_factory=dict)
    value: float | None = None
    #: The subjects that could be looked at; None: all there are.
    judged: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is looked at: its kind, which alerts have, too, and the unit of what is measured."""

    kind: str
    look: Callable[[], Found]
    unit: str = ""
    #: Whether another host may find something else.
    of_host: bool = False
    #: Whether it may be wrong for a moment, as while services are restarted. Alerts of it are the monitor's,
    #: which looks often enough to see whether it lasts.
    momentary: bool = False
    #: Whether jobs are not done, or lost, while it is wrong.
    severe: bool = False

    @property
    def own_subject(self) -> str:
        """What its alerts are about where it finds nothing more precise."""
        return socket.gethostname() if self.of_host else ""
