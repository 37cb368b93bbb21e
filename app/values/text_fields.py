"""The rule for text that a person sees (`app.values.text`), for fields of models: behind their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from app.values.text import one_line, several_lines

if TYPE_CHECKING:
    from collections.abc import Callable


def saying(check: Callable[[str], str]) -> AfterValidator:
    """`check` as a validator whose errors are its own sentences, without words of pydantic's."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise PydanticCustomError("text", "{sentence}", {"sentence": str(error)}) from None

    return AfterValidator(checked)


ONE_LINE = saying(one_line)
SEVERAL_LINES = saying(several_lines)
