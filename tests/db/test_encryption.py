"""What is encrypted is read by who has the key, for the purpose it was encrypted for."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from app.db.encryption import Encrypted, EncryptedUnderAnotherKey, cipher
from app.db.sessions import reading, transaction
from app.domains.banking.models import PlaidItem
from app.domains.notifications import devices
from app.domains.notifications.models import ADDRESSES, Platform
from tests.checkpoints import flushing
from tests.domains.banking import home, linking

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
    with reading() as session:
        clear = session.scalars(select(PlaidItem.access_token)).one()
        stored = session.scalars(text("SELECT access_token FROM plaid_item")).one()
    assert clear not in stored
    configure(secret_key=secrets.token_urlsafe(32))
    with reading() as session, pytest.raises(EncryptedUnderAnotherKey, match="Plaid access tokens"):
        session.scalars(select(PlaidItem.access_token)).one()


#: Made under it by a release that knew no other key.
FIRST_KEY = "first-key-of-the-tests-0123456789abcdef"
TOKEN_OF_A_BANK = (
    "gAAAAABrCgBMzCIbGSH5KMRtKr3alIt8MoHiO_cAHx7oYHhDnaMBK1CUIy-3kukJNCa5q-f0o8FAec1xwMlKmMLCGZpbVG9cI95Z9XJy1"
    "H9VGgPbayHrIRk="
)
ADDRESS = "sealed:AT6B5Fczewxza3H0b99Rd4d4LphZEqRheGstEK2emUM="


@pytest.mark.parametrize(
    "keys",
    [
        {"secret_key": FIRST_KEY},
        {"secret_key": secrets.token_urlsafe(32), "other_secret_keys": FIRST_KEY},
        {
            "secret_key": secrets.token_urlsafe(32),
            "other_secret_keys": f"{secrets.token_urlsafe(32)} {FIRST_KEY}",
        },
    ],
)
def test_what_an_earlier_release_or_key_encrypted_is_read(
    configure: Callable[..., None], keys: dict[str, str]
) -> None:
    configure(**keys)
    dialect = sqlite.dialect()
    assert (
        Encrypted("Plaid access tokens").process_result_value(TOKEN_OF_A_BANK, dialect) == "access-sandbox-1"
    )
    assert ADDRESSES.process_result_value(ADDRESS, dialect) == "token-of-a-phone"


def test_the_first_key_alone_encrypts(configure: Callable[..., None]) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    configure(secret_key=new, other_secret_keys=old)
    sealed = cipher("tea").encrypt(b"leaf")
    configure(secret_key=new, other_secret_keys="")
    assert cipher("tea").decrypt(sealed) == b"leaf"
    configure(secret_key=old)
    with pytest.raises(InvalidToken):
        cipher("tea").decrypt(sealed)


def stored_addresses() -> list[str]:
    with reading() as session:
        return list(session.scalars(text("SELECT address FROM push_endpoint ORDER BY id")))


def devices_of(user_id: int) -> list[tuple[int, str]]:
    with reading() as session:
        return [(one.id, one.address) for one in devices.devices_of(session, user_id=user_id)]


def register(user_id: int, address: str) -> int:
    with transaction() as session:
        return devices.register(session, user_id=user_id, platform=Platform.FCM, address=address).id


def test_an_address_of_a_device_is_known_again_and_not_to_be_read(
    database: Engine, configure: Callable[..., None]
) -> None:
    ada, bob = linking.user("Ada"), linking.user("Bob")
    first = register(ada, "token-of-a-phone")
    assert register(bob, "token-of-a-phone") == first, "one device, whoever signed in last"
    register(bob, "another-token")
    assert devices_of(ada) == []
    assert [address for _, address in devices_of(bob)] == ["token-of-a-phone", "another-token"]
    assert [one for one in stored_addresses() if "token" in one] == []
    configure(secret_key=secrets.token_urlsafe(32))
    with pytest.raises(EncryptedUnderAnotherKey, match="addresses of devices"):
        devices_of(bob)


def test_a_device_is_known_again_while_hosts_take_another_key_one_after_the_other(
    database: Engine, configure: Callable[..., None]
) -> None:
    ada, old, new = linking.user("Ada"), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ids = []
    for first, other in [(old, new), (new, old), (old, new)]:
        configure(secret_key=first, other_secret_keys=other)
        ids.append(register(ada, "token-of-a-phone"))
        assert devices_of(ada) == [(ids[0], "token-of-a-phone")]
    assert ids == [ids[0]] * 3
    configure(secret_key=old, other_secret_keys="")
    assert devices_of(ada) == [(ids[0], "token-of-a-phone")], "it is stored under the first key"


def test_an_address_that_was_stored_in_clear_is_used_and_encrypted_in_time(database: Engine) -> None:
    ada = linking.user("Ada")
    ids = [register(ada, f"token-{number}") for number in range(3)]
    with transaction() as session:
        for number, device_id in enumerate(ids[:2]):
            clear = {"id": device_id, "address": f"token-{number}"}
            session.execute(text("UPDATE push_endpoint SET address = :address WHERE id = :id"), clear)
    assert [address for _, address in devices_of(ada)] == ["token-0", "token-1", "token-2"]
    assert register(ada, "token-0") == ids[0], "it is still the same device"
    with transaction() as session:
        assert devices.encrypt_all(session, commit=flushing(session)) == 1
        assert devices.encrypt_all(session, commit=flushing(session)) == 0
    assert [one for one in stored_addresses() if "token" in one] == []
    assert [address for _, address in devices_of(ada)] == ["token-0", "token-1", "token-2"]
