"""What the two logs are told: as arguments of their tasks, bounded and fit for both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from uuid_utils import compat

from app.domains.audit.facts import LoginStatus
from app.domains.audit.recording.arguments import UNSTORABLE
from app.values.row_ids import MAX_BIGINT

NANOSECONDS = 10**9
#: Milliseconds stand in the first 48 of a UUID's 128 bits. Source: RFC 9562, section 5.7.
_MILLISECONDS_AT = 80
MAX_INT = 2**31 - 1


def storable(most: int) -> BeforeValidator:
    """Text of whatever origin, without what the databases refuse, and no longer than `most`.

    In characters: below 600 of them fit an index of PostgreSQL, whatever the script.
    """

    def cut(value: object) -> object:
        return UNSTORABLE.sub("?", value[:most]) if isinstance(value, str) else value

    return BeforeValidator(cut)


Short = Annotated[str, storable(64)]
Line = Annotated[str, storable(500)]


def new_id(*, at: int) -> UUID:
    """An id for what happened `at` nanoseconds since 1970."""
    return compat.uuid7(nanoseconds=at)


def first_id(at: datetime) -> UUID:
    """No id of something that happened at this moment or later is smaller."""
    return UUID(int=_milliseconds(at) << _MILLISECONDS_AT)


def last_id(at: datetime) -> UUID:
    """No id of something that happened at this moment or earlier is greater."""
    return UUID(int=((_milliseconds(at) + 1) << _MILLISECONDS_AT) - 1)


def _milliseconds(at: datetime) -> int:
    return max(int(at.timestamp() * 1000), 0)


def moment(at: int) -> datetime:
    """The time that is `at` nanoseconds since 1970."""
    seconds, rest = divmod(at, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)


class Record(BaseModel):
    """What both logs know of an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    at: datetime
    trace_id: Short | None = None
    user_id: Annotated[int, Field(ge=1, le=MAX_BIGINT)] | None = None
    user_name: Annotated[str, storable(320)] | None = None
    address: Short | None = None
    user_agent: Line | None = None


class OperationRecord(Record):
    """A request that ended."""

    token_id: Short | None = None
    method: Short = ""
    route: Line | None = None
    title: Line | None = None
    path: Line = ""
    arguments: dict[str, Any] = {}
    status: Annotated[int, Field(ge=0, le=999)] = 0
    code: Short | None = None
    milliseconds: Annotated[int, Field(ge=0, le=MAX_INT)] = 0
    left_out: Annotated[int, Field(ge=0, le=MAX_INT)] = 0


class LoginRecord(Record):
    """An attempt to sign in."""

    status: LoginStatus
    message: Line = ""
