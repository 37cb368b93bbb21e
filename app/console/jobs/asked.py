"""What a list of jobs was asked for: filters as a form or a link sends them, and where in the list."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pydantic import ValidationError

from app.console.places import JOBS
from app.errors import InvalidInput
from app.jobs.declaration import search
from app.jobs.ledger.models import State
from app.jobs.listing import read_cursor
from app.jobs.views import JobFilter
from app.values.field_errors import FieldError, InvalidFields
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

NARROWING = tuple(JobFilter.model_fields)
KNOWN = ("state", *NARROWING, "id", "cursor")
#: Of what was typed, no more is shown again.
MAX_SHOWN = 200
#: As browsers send times, and as people shorten them; all in UTC.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?)?", re.ASCII)
AFTER, BEFORE = "after", "before"


class UnknownFilter(InvalidInput):
    """Raised for a filter that the list of jobs does not have."""

    code = "unknown_filter"

    def __init__(self, *, name: str) -> None:
        known = ", ".join(KNOWN[:-1])
        hint = did_you_mean(name, KNOWN, otherwise=f"The filters are: {known}.")
        super().__init__(f'Jobs have no filter "{name[:64]}". {hint}')


class NotThisList(InvalidInput):
    """Raised for a cursor that does not stand in the list that was asked for."""

    code = "not_this_list"

    def __init__(self) -> None:
        super().__init__(
            "This link leads into a list with other filters, or is not whole. Begin with the first page."
        )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A list of jobs, and the page of it that begins `AFTER` a cursor or ends `BEFORE` it."""

    states: Sequence[State] = ()
    filters: JobFilter = field(default_factory=JobFilter)
    cursor: str | None = None
    backwards: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return bool(self.states or self.filters.model_dump(exclude_none=True))

    @property
    def looks_inside(self) -> bool:
        """Whether it goes by what is in the jobs, which not everybody may read."""
        return self.filters.error is not None or self.filters.key is not None

    def at(self, cursor: str, *, backwards: bool = False) -> str:
        """The address of another page of the same list."""
        side = BEFORE if backwards else AFTER
        return f"{JOBS}?{urlencode([*self.pairs, ('cursor', f'{side}.{self._digest}.{cursor}')])}"

    @property
    def first(self) -> str:
        """The address of its first page."""
        return f"{JOBS}?{urlencode(self.pairs)}" if self.pairs else JOBS

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What narrows it, as a query or a form has it."""
        narrowing = self.filters.model_dump(mode="json", exclude_none=True)
        return [*(("state", state.value) for state in self.states), *narrowing.items()]

    @property
    def _digest(self) -> str:
        return hashlib.sha256(urlencode(self.pairs).encode()).hexdigest()[:12]

    def page_of(self, cursor: str) -> Asked:
        """The page that `cursor` stands for. Raises `NotThisList`."""
        side, _, rest = cursor.partition(".")
        digest, _, place = rest.partition(".")
        if side not in (AFTER, BEFORE) or digest != self._digest:
            raise NotThisList
        try:
            read_cursor(place)
        except InvalidFields:
            raise NotThisList from None
        return Asked(states=self.states, filters=self.filters, cursor=place, backwards=side == BEFORE)


def asked(pairs: Sequence[tuple[str, str]]) -> Asked:
    """What the pairs of a query ask for; what was left empty in a form narrows nothing.

    Raises `UnknownFilter`, `InvalidFields` and `NotThisList`.
    """
    given = [(name, value.strip()) for name, value in pairs if value.strip()]
    single: dict[str, str] = {}
    for name, value in given:
        if name not in KNOWN:
            raise UnknownFilter(name=name)
        if name in single:
            raise _wrong(name, "Give it once")
        if name != "state":
            single[name] = value
    states = [_state(value) for name, value in given if name == "state"]
    found = Asked(states=tuple(dict.fromkeys(states)), filters=_filters(single))
    return found.page_of(single["cursor"]) if "cursor" in single else found


def typed(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What was typed into the form, whatever it is worth, to be shown in it again."""
    given = {name: value[:MAX_SHOWN] for name, value in pairs if name in KNOWN}
    return dict.fromkeys(KNOWN, "") | given


def _filters(single: Mapping[str, str]) -> JobFilter:
    wanted = {name: _with_zone(name, single[name]) for name in NARROWING if name in single}
    try:
        found = JobFilter.model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(str(problem["loc"][0]), problem["msg"]) from None
    if found.key is not None:
        search.read(found.key)
    return found


def _with_zone(name: str, value: str) -> str:
    found = _TIME.fullmatch(value) if name.startswith("accepted_") else None
    if found is None:
        return value
    day, minute, second = found.groups()
    return f"{day}T{minute or '00:00'}:{second or '00'}Z"


def _state(value: str) -> State:
    try:
        return State(value)
    except ValueError:
        known = ", ".join(State)
        raise _wrong("state", did_you_mean(value, State, otherwise=f"The states are: {known}")) from None


def _wrong(name: str, detail: str) -> InvalidFields:
    return InvalidFields([FieldError(detail=detail, parameter=name)])


def as_typed(moment: datetime | None) -> str:
    """A moment as the field of a form has it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment else ""
