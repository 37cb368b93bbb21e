"""What is encrypted is read by who has the key, for the purpose it was encrypted for."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import select, text

from app import db
from app.banking.models import PlaidItem
from app.encryption import EncryptedUnderAnotherKey, cipher
from tests.banking import home

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def test_one_purpose_cannot_read_what_is_for_another() -> None:
    sealed = cipher("tea").encrypt(b"leaf")
    assert cipher("tea").decrypt(sealed) == b"leaf"
    with pytest.raises(InvalidToken):
        cipher("coffee").decrypt(sealed)


def test_a_column_is_clear_to_the_application_and_to_nobody_else(
    database: Engine, configure: Callable[..., None]
) -> None:
    home.move_in()
    with db.reading() as session:
        clear = session.scalars(select(PlaidItem.access_token)).one()
        stored = session.scalars(text("SELECT access_token FROM plaid_item")).one()
    assert clear not in stored
    configure(secret_key=secrets.token_urlsafe(32))
    with db.reading() as session, pytest.raises(EncryptedUnderAnotherKey, match="Plaid access tokens"):
        session.scalars(select(PlaidItem.access_token)).one()
