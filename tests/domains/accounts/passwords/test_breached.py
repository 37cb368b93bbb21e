"""The list of breached passwords is searched, not read, and a list that is none is said to be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from app.domains.accounts.passwords.breached import is_breached
from app.domains.accounts.passwords.errors import BreachedListUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LISTED = [f"some password, number {number}" for number in range(2_000)]


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def write(path: Path, *, passwords: list[str], line: str = "{digest}:{count}\r\n") -> Path:
    digests = sorted(digest_of(password) for password in passwords)
    lines = [line.format(digest=digest, count=7 ** (number % 9)) for number, digest in enumerate(digests)]
    path.write_bytes("".join(lines).encode())
    return path


@pytest.mark.parametrize("line", ["{digest}:{count}\r\n", "{digest}\n"])
def test_each_password_of_a_list_is_found_and_no_other(
    configure: Callable[..., None], tmp_path: Path, line: str
) -> None:
    configure(breached_passwords=write(tmp_path / "list", passwords=LISTED, line=line))
    assert [password for password in LISTED if not is_breached(password)] == []
    assert [password for password in LISTED if is_breached(f"{password}!")] == []


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_a_short_list_is_searched_alike(configure: Callable[..., None], tmp_path: Path, count: int) -> None:
    path = write(tmp_path / "list", passwords=LISTED[:count])
    path.write_bytes(path.read_bytes().rstrip())
    configure(breached_passwords=path)
    assert [is_breached(password) for password in LISTED[: count + 1]] == [True] * count + [False]


def test_digits_may_be_in_lower_case(configure: Callable[..., None], tmp_path: Path) -> None:
    path = write(tmp_path / "list", passwords=LISTED)
    path.write_bytes(path.read_bytes().lower())
    configure(breached_passwords=path)
    assert is_breached(LISTED[0])


def test_without_a_list_nothing_is_in_it(configure: Callable[..., None]) -> None:
    configure()
    assert not is_breached(LISTED[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"password\nletmein\n", "no SHA-1"),
        (b"\x00" * 100_000, "no SHA-1"),
        (b"x" * 5_000_000, "no SHA-1"),
    ],
)
def test_a_list_that_cannot_be_searched_lets_no_password_by(
    configure: Callable[..., None], tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "list"
    if content is not None:
        path.write_bytes(content)
    configure(breached_passwords=path)
    with pytest.raises(BreachedListUnusable, match=said) as caught:
        is_breached("wide rivers run slowly")
    assert str(path) in str(caught.value)
