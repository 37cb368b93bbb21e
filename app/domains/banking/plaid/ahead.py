"""Asks for the next page while one is read: Plaid's time and ours pass together."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Ahead:
    """One page ahead at most, and none any more when its `with` block ends."""

    def __init__(self) -> None:
        self._request: Mapping[str, Any] | None = None
        self._coming: Future[bytes] = Future()

    def __enter__(self) -> Self:
        self._line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plaid")
        return self

    def __exit__(self, *_error: object) -> None:
        # An answer that nobody waits for any more may come or not.
        self._line.shutdown(wait=False, cancel_futures=True)

    def begin(
        self, request: dict[str, Any], *, turn: Callable[[], None], ask: Callable[[dict[str, Any]], bytes]
    ) -> None:
        """Have `ask` ask that; what `turn` or `ask` raises is raised when the answer is wanted."""
        self._request = request
        try:
            turn()
            self._coming = self._line.submit(ask, request)
        except Exception as error:
            # The page before is here, and is to be kept whatever is wrong with this one.
            self._coming = Future()
            self._coming.set_exception(error)

    def answer_to(self, request: Mapping[str, Any]) -> bytes | None:
        """The answer to what was asked ahead; None where something else was, or nothing."""
        asked, self._request = self._request, None
        return self._coming.result() if asked == request else None
