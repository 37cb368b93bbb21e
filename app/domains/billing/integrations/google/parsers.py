"""Reads what Google Calendar answers, event by event: one that cannot be used leaves the others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations import moments
from app.domains.billing.integrations.facts import Attendance, CalendarEvent, EventStatus
from app.outbound.json_fields import (
    InvalidField,
    day,
    identifier,
    mapping,
    optional_identifier,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

_ANSWERS = {
    "accepted": Attendance.ACCEPTED,
    "tentative": Attendance.TENTATIVE,
    "declined": Attendance.DECLINED,
    "needsAction": Attendance.UNANSWERED,
}


def event(row: Mapping[str, Any], *, zone: tzinfo) -> CalendarEvent | None:
    """An event; None for one that is deleted, of which there may be no more than its id."""
    id_ = identifier(row, "id")
    if row.get("status") == "cancelled":
        return None
    start, end = mapping(row.get("start"), "start"), mapping(row.get("end"), "end")
    starts_at, ends_at = _moment(start, "start", zone=zone), _moment(end, "end", zone=zone)
    moments.checked_length(starts_at, ends_at)
    original = row.get("originalStartTime")
    return CalendarEvent(
        id=id_,
        version=identifier(row, "etag"),
        series_id=optional_identifier(row, "recurringEventId"),
        original_start=None
        if original is None
        else _moment(mapping(original, "originalStartTime"), "originalStartTime", zone=zone),
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=start.get("date") is not None,
        title=text(row, "summary") or "",
        status=_status(row),
        attendance=_attendance(row),
        updated_at=moments.optional_moment(row, "updated"),
    )


def _moment(told: Mapping[str, Any], field: str, *, zone: tzinfo) -> datetime:
    if told.get("date") is not None:
        return moments.midnight(day(told, "date"), zone=zone, field=field)
    own = moments.zone_named(told, "timeZone") if told.get("timeZone") is not None else None
    return moments.moment(told, "dateTime", zone=own)


def _status(row: Mapping[str, Any]) -> EventStatus:
    status = row.get("status", "confirmed")
    if status not in ("confirmed", "tentative"):
        raise InvalidField(field="status", value=status, expected="confirmed, tentative or cancelled")
    return EventStatus(status)


def _attendance(row: Mapping[str, Any]) -> Attendance:
    """What the person answered. An event without guests is their own."""
    organizer = row.get("organizer")
    if isinstance(organizer, dict) and organizer.get("self") is True:
        return Attendance.ORGANIZER
    guests = row.get("attendees")
    if guests is None:
        return Attendance.ORGANIZER
    for guest in guests if isinstance(guests, list) else []:
        if isinstance(guest, dict) and guest.get("self") is True:
            answer = guest.get("responseStatus")
            return (
                _ANSWERS.get(answer, Attendance.UNANSWERED)
                if isinstance(answer, str)
                else Attendance.UNANSWERED
            )
    return Attendance.UNANSWERED
