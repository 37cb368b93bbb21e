"""Text of a pattern, for fields of models: who writes it otherwise is told how to, not the pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


@dataclass(frozen=True, kw_only=True)
class Patterned:
    """What a text has to match, with the sentence that an error shows; `such_as` is an example of it.

    The sentence says all but the example: "Write a month as YYYY-MM" becomes "Write a month as YYYY-MM, such
    as 2026-10."
    """

    pattern: str
    sentence: str
    such_as: str

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> Any:
        return core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self.pattern),
            custom_error_type="text",
            custom_error_message="{sentence}",
            custom_error_context={"sentence": f"{self.sentence}, such as {self.such_as}."},
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"description": f"{self.sentence}.", "examples": [self.such_as]}


CURRENCY = Patterned(
    pattern=r"^[A-Z]{3}$", sentence="Write a currency as its three letters of ISO 4217", such_as="EUR"
)
