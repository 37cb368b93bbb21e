"""Models of what callers send: nothing is guessed at, and a bad document costs no more than a good one.

Pydantic tries every member of a list or an object and notes what is wrong with each, which for 8 MB of
mistakes takes a gigabyte. So a list or object ends at its first bad member, and unknown members are counted
before they are looked at.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WrapValidator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from app.values.field_errors import MAX_ERRORS, UNLISTED

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler

#: Schemas of pydantic-core that hold any number of values, and can end at the first bad one.
_MANY = frozenset({"list", "tuple", "set", "frozenset", "dict"})
#: Schemas of pydantic-core that values are compared with or made of: no schemas are in there.
_NO_SCHEMAS = frozenset({"metadata", "serialization", "expected", "default", "function", "config"})
#: Parts that hold schemas under names of the model's own.
_BY_NAME = frozenset({"fields", "choices"})
_DECIMAL = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


def plain_int(value: Any) -> Any:
    """`value`, unless it is a number in a form that Python takes and nobody means: 1_0, +1, 1.0, True."""
    if isinstance(value, float | bool) or (isinstance(value, str) and not _DECIMAL.fullmatch(value)):
        raise PydanticCustomError("plain_int", "Give a whole number in decimal digits, such as 1 or 42")
    return value


PlainInt = Annotated[int, BeforeValidator(plain_int)]


def _bounded(schema: Any) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_bounded(part) for part in schema)
    if not isinstance(schema, dict) or _is_bounded_int(schema):
        return schema
    found = {name: _part(name, part) for name, part in schema.items()}
    if found.get("type") in _MANY:
        found["fail_fast"] = True
    if found.get("type") == "int":
        return core_schema.no_info_before_validator_function(plain_int, found)
    return found


def _part(name: str, part: Any) -> Any:
    if name in _BY_NAME and isinstance(part, dict):
        return {member: _bounded(schema) for member, schema in part.items()}
    return part if name in _NO_SCHEMAS else _bounded(part)


def _is_bounded_int(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "function-before" and bool(schema["function"]["function"] is plain_int)


class StrictModel(BaseModel):
    """Refuses members it does not know: a misspelt option must not pass in silence."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_members(cls, value: Any) -> Any:
        # In the order of what it costs: this runs for every task and every job of a request.
        if not isinstance(value, dict) or len(value) <= MAX_ERRORS:
            return value
        takes_any = cls.model_config.get("extra") == "allow"
        if len(value) > len(cls.model_fields) + MAX_ERRORS and not takes_any:
            raise PydanticCustomError(
                "too_many_members",
                "The object has {found} members, of which {known} at most can be right",
                {"found": len(value), "known": len(cls.model_fields)},
            )
        return value

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """The usual schema, with what this module is for put into it."""
        schema: core_schema.CoreSchema = _bounded(handler(source))
        return schema


def listing_errors(*, most: int) -> WrapValidator:
    """For a list of `most` members: the mistakes of all of them, of which the first are listed."""
    return WrapValidator(partial(_each, most=most))


def _each(value: Any, handler: ValidatorFunctionWrapHandler, *, most: int) -> Any:
    if not isinstance(value, list) or not value:
        return handler(value)
    if len(value) > most:
        raise PydanticCustomError(
            "too_long", "Give {most} members at most, not {found}", {"most": most, "found": len(value)}
        )
    good: list[Any] = []
    errors: list[InitErrorDetails] = []
    more = 0
    for index, member in enumerate(value):
        try:
            good += handler([member])
        except ValidationError as error:
            if len(errors) >= MAX_ERRORS:
                more += error.error_count()
                continue
            errors += [_moved(found, to=index) for found in error.errors(include_url=False)]
    if more:
        errors.append(_unlisted(more))
    if errors:
        raise ValidationError.from_exception_data("list", errors)
    return good


def _moved(found: Any, *, to: int) -> InitErrorDetails:
    sentence = found["msg"].replace("{", "{{").replace("}", "}}")
    return InitErrorDetails(
        type=PydanticCustomError(found["type"], sentence), loc=(to, *found["loc"][1:]), input=None
    )


def _unlisted(count: int) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError(UNLISTED, "{count} more", {"count": count}), loc=(), input=None
    )
