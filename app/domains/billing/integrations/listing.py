"""Reads the rows of a page of events: the last word on each counts, and an odd one is set aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.facts import CalendarEvent, Changes, Unreadable
from app.outbound.json_fields import InvalidField, identifier, mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.domains.billing.integrations.facts import Window


@dataclass(kw_only=True)
class Listing:
    """What a page says, by the ids of events."""

    window: Window
    _events: dict[str, CalendarEvent] = field(default_factory=dict)
    _removed: dict[str, None] = field(default_factory=dict)
    _unreadable: list[Unreadable] = field(default_factory=list)

    def read(
        self, rows: Iterable[object], event: Callable[[Mapping[str, Any]], CalendarEvent | None]
    ) -> None:
        """Add each row; `event` gives None for one of what is gone, and raises `InvalidField`."""
        for row in rows:
            try:
                told = mapping(row, "event")
                id_ = identifier(told, "id")
            except InvalidField as error:
                self._unreadable.append(Unreadable(id=None, reason=str(error)))
                continue
            try:
                self._add(id_, event(told))
            except InvalidField as error:
                self._unreadable.append(Unreadable(id=id_, reason=str(error)))

    def changes(self, *, next_token: str, has_more: bool) -> Changes:
        """The page."""
        return Changes(
            events=tuple(self._events.values()),
            removed=tuple(self._removed),
            unreadable=tuple(self._unreadable),
            next_token=next_token,
            has_more=has_more,
        )

    def _add(self, id_: str, told: CalendarEvent | None) -> None:
        self._events.pop(id_, None)
        self._removed.pop(id_, None)
        if told is not None and self._is_within(told):
            self._events[id_] = told
        else:
            # Also one that was moved out of the window: who reads all anew is not told of it either.
            self._removed[id_] = None

    def _is_within(self, told: CalendarEvent) -> bool:
        return told.ends_at > self.window.starts_at and told.starts_at < self.window.ends_at
