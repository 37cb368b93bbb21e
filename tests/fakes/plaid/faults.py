"""What goes wrong on demand, by path: refusals, slow answers, answers held back, and things that happen."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HELD_AT_MOST_SECONDS = 60


@dataclass(kw_only=True, eq=False)
class Refusal(Exception):
    """An answer with an error in Plaid's form."""

    status: int
    type: str
    code: str
    message: str = "as the test wanted"
    headers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, str | None]:
        """The body of the answer."""
        told = {"error_type": self.type, "error_code": self.code, "error_message": self.message}
        return {**told, "display_message": None}


class Held:
    """A request whose answer waits until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        self._go.wait(HELD_AT_MOST_SECONDS)

    @property
    def is_released(self) -> bool:
        """Whether the answer was let go."""
        return self._go.is_set()

    def release(self) -> None:
        """Let the answer go."""
        self._go.set()


class Faults:
    """A plan for each path: what happens before its next answers, one step for each request."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Callable[[], None] | None]] = defaultdict(list)
        self._lock = threading.Lock()
        self._held: list[Held] = []

    def refuse(self, path: str, refusal: Refusal, *, times: int = 1, after: int = 0) -> None:
        """Refuse the next `times` requests, but for `after` ones that go well first."""

        def step() -> None:
            raise refusal

        self._plan(path, step, times=times, after=after)

    def rate_limit(self, path: str, *, seconds: int, times: int = 1) -> None:
        """429 with Retry-After."""
        headers = {"Retry-After": str(seconds)}
        refusal = Refusal(status=429, type="RATE_LIMIT_EXCEEDED", code="TRANSACTIONS_LIMIT", headers=headers)
        self.refuse(path, refusal, times=times)

    def break_down(self, path: str, *, times: int = 1, after: int = 0) -> None:
        """500."""
        refusal = Refusal(status=500, type="API_ERROR", code="INTERNAL_SERVER_ERROR")
        self.refuse(path, refusal, times=times, after=after)

    def slow_down(self, path: str, *, seconds: float, times: int = 1) -> None:
        """Answers that take their time."""
        self._plan(path, lambda: time.sleep(seconds), times=times)

    def first(self, path: str, what: Callable[[], None], *, after: int = 0) -> None:
        """Have something happen just before an answer is made."""
        self._plan(path, what, after=after)

    def hold(self, path: str, *, after: int = 0) -> Held:
        """Hold an answer back."""
        held = Held()
        self._held.append(held)
        self._plan(path, held, after=after)
        return held

    def meet(self, path: str) -> None:
        """Take the next step of a path's plan."""
        with self._lock:
            steps = self._steps[path]
            step = steps.pop(0) if steps else None
        if step is not None:
            step()

    def forget(self) -> None:
        """Drop what is planned and has not happened."""
        with self._lock:
            self._steps.clear()

    def release_all(self) -> None:
        """Let every held answer go."""
        for held in self._held:
            held.release()

    def _plan(self, path: str, step: Callable[[], None], *, times: int = 1, after: int = 0) -> None:
        with self._lock:
            self._steps[path] += [None] * after + [step] * times
