"""Makes pages of templates: everything that is not a template's own text is escaped."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.responses import HTMLResponse, StreamingResponse

from app.console import places
from app.console.assets import url_of
from app.domains.accounts.scopes import OWN
from app.health.checks.scopes import INSPECT
from app.jobs.scopes import METRICS, READ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http import HTTPStatus

    from jinja2 import Environment
    from starlette.types import Scope

    from app.tokens.callers import Caller

TEMPLATES = Path(__file__).parent / "templates"
#: What a terminal or a browser would obey rather than show: control characters, and those that turn the
#: direction of writing.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Of a text in a table, no more than this.
MAX_CELL = 100
MINUTE = 60
#: Pages for which a scope is needed, as the navigation has them.
_NAVIGATION = (
    (places.ROOT, "Overview", METRICS),
    (places.JOBS, "Jobs", READ),
    (places.ERRORS, "Errors", READ),
    (places.SCHEDULES, "Schedules", READ),
    (places.QUEUES, "Queues", METRICS),
    (places.WORKERS, "Workers", METRICS),
    (places.DELIVERIES, "Deliveries", READ),
    (places.TIMELINE, "Timeline", METRICS),
    (places.DEPLOYS, "Deploys", METRICS),
    (places.ALERTS, "Alerts", INSPECT),
    (places.AUDIT, "Audit", OWN),
)
#: With `g` before it, each key leads to a page.
KEYS = {
    places.ROOT: "o",
    places.JOBS: "j",
    places.ERRORS: "e",
    places.SCHEDULES: "s",
    places.QUEUES: "q",
    places.WORKERS: "w",
    places.DELIVERIES: "d",
    places.ALERTS: "a",
}


def page(scope: Scope, template: str, *, status: HTTPStatus | int = 200, **values: Any) -> HTMLResponse:
    """The page of `template` for the request of `scope`."""
    caller: Caller | None = scope["state"].get("caller")
    known = caller if caller and not caller.is_stranger else None
    shown = (
        _environment()
        .get_template(template)
        .render(
            path=scope["path"],
            caller=known,
            navigation=[
                (place, name, KEYS.get(place))
                for place, name, needed in _NAVIGATION
                if known is not None and known.may(needed)
            ],
            now=datetime.now(UTC),
            **values,
        )
    )
    # A lone surrogate is no character of any encoding.
    return HTMLResponse(shown.encode(errors="backslashreplace"), status_code=status)


def streamed(parts: Iterator[bytes], *, name: str) -> StreamingResponse:
    """A file of JSON that is written while it is sent."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(parts, media_type="application/json", headers=headers)


@cache
def _environment() -> Environment:
    # Loaded with the first page: most processes never show one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    made.globals.update(places=places, asset=url_of)
    made.filters.update(moment=_moment, age=age, seconds=seconds, counted=counted, beginning=beginning)
    return made


def _visible(value: Any) -> Any:
    """`value` with the characters that do something written out."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), value)


def _moment(at: datetime | None) -> Markup | str:
    """A time in UTC, to the second."""
    if at is None:
        return "-"
    there = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(there.isoformat(), f"{there:%Y-%m-%d %H:%M:%S}")


def age(seconds: float) -> str:
    """A stretch of time in its two largest units."""
    left = int(max(seconds, 0))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def seconds(number: float) -> str:
    """A stretch of time that may be short."""
    return age(number) if number >= MINUTE else f"{number:.3g} s"


def counted(number: int, cap: int) -> str:
    """A number that was counted up to `cap`, and one beyond."""
    return f"{cap:,}+" if number > cap else f"{number:,}"


def beginning(text: str) -> str:
    """As much of a text as a cell of a table has room for."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= MAX_CELL and line == text.strip() else f"{line[: MAX_CELL - 1]}…"
