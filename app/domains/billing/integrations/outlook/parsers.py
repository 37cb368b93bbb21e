"""Reads what Microsoft Graph answers, event by event: one that cannot be used leaves the others alone."""

from __future__ import annotations

from datetime import UTC
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
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

    Series = Callable[[str], Mapping[str, Any]]

#: What one of a series is as its series is, and does not say itself.
INHERITED = (
    "subject",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseStatus",
    "showAs",
    "lastModifiedDateTime",
    "changeKey",
)
_ANSWERS = {
    "organizer": Attendance.ORGANIZER,
    "accepted": Attendance.ACCEPTED,
    "tentativelyAccepted": Attendance.TENTATIVE,
    "declined": Attendance.DECLINED,
}


def is_series(row: object) -> bool:
    """Whether a row describes what repeats, and is no event by itself."""
    return isinstance(row, dict) and row.get("type") == "seriesMaster" and "@removed" not in row


def event(row: Mapping[str, Any], *, zone: tzinfo, series: Series) -> CalendarEvent | None:
    """An event; None for one that is deleted. `series` gives the series by its id, for what it leaves out."""
    id_ = identifier(row, "id")
    if "@removed" in row:
        return None
    series_id = optional_identifier(row, "seriesMasterId")
    if series_id is not None and row.get("type") == "occurrence" and "subject" not in row:
        row = {**_inherited(series(series_id)), **row}
    all_day = row.get("isAllDay") is True
    starts_at, ends_at = (_moment(row, end, all_day=all_day, zone=zone) for end in ("start", "end"))
    moments.checked_length(starts_at, ends_at)
    return CalendarEvent(
        id=id_,
        version=identifier(row, "changeKey" if "changeKey" in row else "@odata.etag"),
        series_id=series_id,
        original_start=moments.optional_moment(row, "originalStart"),
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=all_day,
        title=text(row, "subject") or "",
        status=_status(row),
        attendance=_attendance(row),
        updated_at=moments.optional_moment(row, "lastModifiedDateTime"),
    )


def _inherited(series: Mapping[str, Any]) -> dict[str, Any]:
    return {name: series[name] for name in INHERITED if name in series}


def _moment(row: Mapping[str, Any], field: str, *, all_day: bool, zone: tzinfo) -> datetime:
    told = mapping(row.get(field), field)
    moment = told.get("dateTime")
    if all_day and isinstance(moment, str):
        # Whole days are on those dates wherever one is; the zone beside them is the one that was asked for.
        return moments.midnight(day({field: moment[: len("2026-01-31")]}, field), zone=zone, field=field)
    own = UTC if told.get("timeZone") is None else moments.zone_named(told, "timeZone")
    return moments.moment(told, "dateTime", zone=own)


def _status(row: Mapping[str, Any]) -> EventStatus:
    cancelled = row.get("isCancelled", False)
    if not isinstance(cancelled, bool):
        raise InvalidField(field="isCancelled", value=cancelled, expected="true or false")
    if cancelled:
        return EventStatus.CANCELLED
    return EventStatus.TENTATIVE if row.get("showAs") == "tentative" else EventStatus.CONFIRMED


def _attendance(row: Mapping[str, Any]) -> Attendance:
    """What the person answered. An event without guests is their own, and has no answer."""
    told = row.get("responseStatus")
    answer = told.get("response") if isinstance(told, dict) else None
    if row.get("isOrganizer") is True:
        return Attendance.ORGANIZER
    return _ANSWERS.get(answer, Attendance.UNANSWERED) if isinstance(answer, str) else Attendance.UNANSWERED
