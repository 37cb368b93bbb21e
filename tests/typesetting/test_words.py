"""Words that are longer than a line can be broken, and nothing else changes."""

from __future__ import annotations

import pytest

from app.typesetting.words import breakable


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("short words  stay", ["short words  stay"]),
        ("abcdefg hi", ["abcdef", "g hi"]),
        ("株式会社サンプル", ["株式会社サン", "プル"]),
    ],
)
def test_a_long_word_has_a_place_to_break(text: str, parts: list[str]) -> None:
    assert breakable(text, longest=6).split("\u200b") == parts
