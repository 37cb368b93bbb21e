"""Text of a pattern: an error says how it is written, and the description of the API knows the pattern."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import ValidationError

from app.values.patterned_text import CURRENCY, Patterned
from app.values.strict_models import StrictModel

MONTH = Patterned(pattern=r"^[0-9]{4}-[0-9]{2}$", sentence="Write a month as YYYY-MM", such_as="2026-10")


class Told(StrictModel):
    month: Annotated[str, MONTH]
    currency: Annotated[str, CURRENCY] | None = None


def test_what_fits_is_taken() -> None:
    assert Told(month="2026-11").month == "2026-11"
    assert Told.model_validate({"month": MONTH.such_as, "currency": CURRENCY.such_as}).currency == "EUR"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "2026-1",
        "2026-11\n",
        " 2026-11",
        "\uff12026-11",
        "\0",
        "2026-11" * 1_000,
        202611,
        None,
        True,
        ["x"],
    ],
)
def test_what_does_not_fit_is_told_how_it_is_written(given: object) -> None:
    with pytest.raises(ValidationError) as raised:
        Told.model_validate({"month": given})
    assert [error["msg"] for error in raised.value.errors()] == ["Write a month as YYYY-MM, such as 2026-10."]


def test_the_description_says_pattern_and_example() -> None:
    month = Told.model_json_schema()["properties"]["month"]
    assert (month["type"], month["pattern"], month["examples"]) == ("string", MONTH.pattern, ["2026-10"])
