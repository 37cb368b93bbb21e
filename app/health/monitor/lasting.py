"""Tells what lasts from what is wrong for a moment, as while services are restarted."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from app.settings.config import settings

if TYPE_CHECKING:
    from app.outbound.alerts.look import Look


class Lasting:
    """Remembers since when each problem has been seen, by this process's own clock."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def of(self, look: Look) -> Look:
        """`look` with those of its problems that last; the others are neither wrong nor well."""
        now, kind = time.monotonic(), look.kind
        for known in [key for key in self._since if key[0] == kind and key[1] not in look.problems]:
            del self._since[known]
        since = {subject: self._since.setdefault((kind, subject), now) for subject in look.problems}
        young = {name for name, at in since.items() if now - at < settings().alert_after_seconds}
        problems = {name: problem for name, problem in look.problems.items() if name not in young}
        return replace(look, problems=problems, unsettled=look.unsettled | young)
