"""How the ledger's own connections are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest

from app.jobs.ledger import store

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "password", ["two words", " %20+/@:?#&=", "a'b\"c\\d$e", "päß wörd", "100%", "host=elsewhere password=x"]
)
def test_a_password_may_hold_anything(
    password: str, postgres_url: str, configure: Callable[..., None]
) -> None:
    configure(database_url=postgres_url.replace("groundwork@", f"groundwork:{quote(password, safe='')}@"))
    with store.connect() as opened:
        assert isinstance(opened, psycopg.Connection)
        assert opened.info.password == password
