"""What a caller has already is told by its tags."""

from __future__ import annotations

import pytest

from app.http.etags import is_known


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"x", W/"a"', True),
        ("*", True),
        ('"x"', False),
        ("a", False),
        ("", False),
        ('"a', False),
    ],
)
def test_one_of_the_tags_is_its_own(tags: str, known: bool) -> None:
    assert is_known({"if-none-match": tags}, etag='"a"') is known


def test_who_names_none_has_nothing() -> None:
    assert not is_known({}, etag='"a"')
