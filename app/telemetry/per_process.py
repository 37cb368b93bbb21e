"""What each process makes for itself: a thread that sends does not survive a fork."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from app.telemetry.last_words import at_end

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Something that is made on first use, in each process anew, and ended with it."""

    def __init__(self, make: Callable[[], T], *, end: Callable[[T], None]) -> None:
        self._make, self._end = make, end
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._made: T | None = None
        # One that was held during the fork would be held for ever.
        self._lock = threading.Lock()

    def get(self) -> T:
        """That of this process."""
        made = self._made
        if made is not None:
            return made
        with self._lock:
            if self._made is None:
                self._made = self._make()
                at_end(self._end_it)
            return self._made

    def _end_it(self) -> None:
        if self._made is not None:
            self._end(self._made)
