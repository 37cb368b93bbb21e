"""One HTTP call that surely ends: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta


class NotReached(Exception):
    """Raised when there was nobody to ask: nothing left this host."""


class NoReply(Exception):
    """Raised when no answer came in time, or none that is HTTP: what was asked may have been done."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How long a call may take, and how much of its answer is read."""

    connect: timedelta
    #: Between two parts of an answer.
    silence: timedelta
    #: Of the whole call, however slowly an answer drips.
    deadline: timedelta
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back; `is_cut` where the answer was longer than what was read of it."""

    status: int
    reason: str
    #: By their names in small letters.
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool

    @property
    def is_success(self) -> bool:
        """Whether the server says that it did what it was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_redirect(self) -> bool:
        """Whether the server says to ask elsewhere, which nobody does."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_server_error(self) -> bool:
        """Whether the server says that it failed."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def call(
    method: str, url: str, *, bounds: Bounds, begin: Callable[[], None] = lambda: None, **request: Any
) -> Reply:
    """Ask once; `begin` is called just before the first byte leaves, and `request` is as httpx has it.

    Large content comes as a `memoryview` that the caller releases: requests, and the frames of failed ones,
    are kept in cycles, for which nobody looks as long as they are few. Raises `NotReached` and `NoReply`.
    """
    # Not above: each worker loads whoever may ask, and the client of HTTP is large.
    from app.outbound import bounded_client

    return bounded_client.call(method, url, bounds=bounds, begin=begin, **request)
