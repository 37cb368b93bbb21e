"""Time zones by their names."""

from __future__ import annotations

import pytest

from app.values.timezones import UnknownTimezone, check_timezone


def test_a_zone_of_the_database_is_one() -> None:
    for name in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"):
        check_timezone(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Europe/Berlim", 'There is no time zone "Europe/Berlim". Did you mean "Europe/Berlin"?'),
        ("", 'There is no time zone "". Use a name such as'),
        ("europe/berlin", 'Did you mean "Europe/Berlin"?'),
        ("欧洲/柏林", 'There is no time zone "欧洲/柏林". Use'),
        ("\ud800\0\n", r'There is no time zone "\ud800\x00\n". Use'),
        ("x" * 1_000_000, f'There is no time zone "{"x" * 80}…". Use'),
    ],
)
def test_what_is_no_zone_is_refused_in_a_sentence_that_can_be_shown(name: str, says: str) -> None:
    with pytest.raises(UnknownTimezone) as refused:
        check_timezone(name)
    assert str(refused.value).startswith(says) or says in str(refused.value)
    str(refused.value).encode()
