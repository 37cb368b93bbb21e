"""What is stored of a password tells nothing, and is known again."""

from __future__ import annotations

import pytest

from app.domains.accounts.passwords.hashing import hash_password, matches

PASSWORD = "wide rivers run slowly"


def test_a_hash_is_argon2id_with_a_salt_of_its_own_and_knows_its_password() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert matches(PASSWORD, stored=first)
    assert matches(PASSWORD, stored=second)
    assert not matches(f"{PASSWORD} ", stored=first)
    assert not matches("", stored=first)


@pytest.mark.parametrize("stored", [None, "", "x", "$argon2id$v=19$m=19456", PASSWORD])
def test_without_a_usable_hash_nothing_matches(stored: str | None) -> None:
    assert not matches(PASSWORD, stored=stored)
    assert not matches("", stored=stored)
