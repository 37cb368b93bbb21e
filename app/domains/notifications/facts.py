"""What the service of notifications is told and tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something to tell one user. `key` is the business's own name for it: one key, one notification."""

    key: str
    user_id: int
    #: Such as bill_reminder; what preferences are kept by.
    type: str
    title: str
    body: str
    #: Facts for a program that shows it.
    data: Mapping[str, Any] = field(default_factory=dict)
    #: The channels it is meant for; None is all that the user chose for the type.
    channels: Collection[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """Notifications by their keys, and the keys of those that were not there before."""

    ids: Mapping[str, int]
    new: frozenset[str]
