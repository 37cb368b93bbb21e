"""Spans of time as people type them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import typer

from app.values.durations import duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("15min", timedelta(minutes=15)),
        (" 2h ", timedelta(hours=2)),
        ("90d", timedelta(days=90)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_a_number_and_a_unit_are_a_span(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2 hours", "1.5h", "9" * 9 + "d", "2h30min", "²h", "\uff12h", "1_0h"]
)
def test_anything_else_is_refused_with_the_accepted_form(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 2h"):
        duration(text)
