"""Lets a piece of work end before a signal ends the process."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stops_ignored() -> Iterator[None]:
    """For the end of a process: another stop would only break off what it still does."""
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS} if is_main else {}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class StopPostponed:
    """Holds a stop back for the time of a `with`; it then comes at the end.

    Celery's beat stops by an exception in the handler. In the middle of a statement the database's driver
    may make an error of its own out of it, which is survived, and the stop with it.
    """

    def __init__(self) -> None:
        self._asked: int | None = None
        self._handlers: dict[int, Callable[..., object] | int | None] = {}

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread alone; `celery worker --beat` may tick in another one.
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._asked is not None:
            signal.raise_signal(self._asked)

    def _note(self, number: int, _frame: object) -> None:
        self._asked = number
