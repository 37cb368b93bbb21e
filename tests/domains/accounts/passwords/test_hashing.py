"""What is stored of a password tells nothing, and is known again."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from app.domains.accounts.passwords.hashing import hash_password, is_outdated, matches

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


def test_a_hash_with_other_parameters_is_outdated_and_still_matches() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1).hash(PASSWORD)
    assert matches(PASSWORD, stored=old)
    assert is_outdated(old)
    assert not is_outdated(hash_password(PASSWORD))
    assert not is_outdated(None)
