"""Bounds what refused requests write, so that a flood of them does not fill the operation log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

WINDOW_SECONDS = 60.0
#: Refused requests that are written in one window, of one caller or of all strangers together.
PER_WINDOW = 60
#: Callers have tokens, so they are few; those beyond count as one.
MAX_CALLERS = 1_000
OTHERS = "other callers"


@dataclass
class _Window:
    began: float
    seen: int = 0

    @property
    def left_out(self) -> int:
        return max(self.seen - PER_WINDOW, 0)


class Sampler:
    """Lets the first refusals of a caller through, and counts the others; each process for itself."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._ended: list[tuple[str, int]] = []
        self._lock = threading.Lock()

    def admits(self, who: str, *, now: float | None = None) -> bool:
        """Whether a refusal of `who` is to be written."""
        now = time.monotonic() if now is None else now
        with self._lock:
            window = self._window(who, now=now)
            window.seen += 1
            return window.seen <= PER_WINDOW

    def left_out(self, *, now: float | None = None) -> list[tuple[str, int]]:
        """Who was left out how often, in windows that are over; all of them with `now` in the far future."""
        now = time.monotonic() if now is None else now
        with self._lock:
            for who in [who for who, window in self._windows.items() if _is_over(window, now)]:
                self._end(who)
            ended, self._ended = self._ended, []
        return ended

    def _window(self, who: str, *, now: float) -> _Window:
        if who not in self._windows and len(self._windows) >= MAX_CALLERS:
            who = OTHERS
        if who in self._windows and _is_over(self._windows[who], now):
            self._end(who)
        return self._windows.setdefault(who, _Window(began=now))

    def _end(self, who: str) -> None:
        if left_out := self._windows.pop(who).left_out:
            self._ended.append((who, left_out))


def _is_over(window: _Window, now: float) -> bool:
    return now - window.began >= WINDOW_SECONDS
