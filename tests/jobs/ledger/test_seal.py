"""Sealing: what is sensitive travels and rests unreadable, and only the right key opens it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.jobs.errors import WrongKey
from app.jobs.ledger.seal import is_sealed, mask, seal, seal_named, unseal

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

#: What a caller may have of its own.
ALIKE: list[Any] = [{"$sealed": "x"}, {"$sealed": 5}, {"$sealed": None}, {"$sealed": {"$sealed": ""}}]


@pytest.fixture(autouse=True)
def _own_settings(configure: Callable[..., None]) -> None:
    """A key of the test's own."""


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(JSON)
def test_what_was_sealed_is_opened_unchanged(value: Any) -> None:
    sealed = seal(value)
    assert is_sealed(sealed)
    assert unseal(json.loads(json.dumps(sealed))) == value


def test_a_sealed_value_tells_nothing() -> None:
    assert "hunter2" not in json.dumps(seal("hunter2"))
    assert seal("hunter2") != seal("hunter2")


def test_what_was_never_sealed_is_left_as_it_is() -> None:
    for value in (1, "text", None, ["list"], {"name": "value"}, {"$sealed": "x", "and": "more"}, *ALIKE):
        assert unseal(value) == value
        assert mask(value) == value


def test_what_only_looks_sealed_is_sealed_like_any_other_value() -> None:
    for value in ALIKE:
        sealed = seal_named({"password": value}, names={"password"})["password"]
        assert unseal(sealed) == value != sealed


def test_only_the_named_arguments_are_sealed_and_only_once() -> None:
    once = seal_named({"user": "ann", "password": "hunter2"}, names={"password"})
    assert once["user"] == "ann"
    assert unseal(once["password"]) == "hunter2"
    assert seal_named(once, names={"password"}) == once


def test_what_is_passed_on_sealed_gets_the_first_key(configure: Callable[..., None]) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    configure(secret_key=old)
    once = seal_named({"password": "hunter2"}, names={"password"})
    configure(secret_key=new, other_secret_keys=old)
    twice = seal_named(once, names={"password"})
    configure(secret_key=new, other_secret_keys="")
    assert unseal(twice["password"]) == "hunter2"
    assert seal_named(once, names={"password"}) == once, "nothing is made of what cannot be opened"


def test_sealed_values_are_masked_at_any_depth() -> None:
    sealed = seal("hunter2")
    assert mask({"a": [{"b": sealed}, sealed], "c": 1}) == {"a": [{"b": "***"}, "***"], "c": 1}
    assert mask(sealed) == "***"


def test_another_key_is_refused_with_the_remedy(configure: Callable[..., None]) -> None:
    sealed = seal("hunter2")
    configure(secret_key=secrets.token_urlsafe(32))
    with pytest.raises(WrongKey, match="Give every host the same key"):
        unseal(sealed)


def test_a_value_that_was_tampered_with_is_refused() -> None:
    sealed = seal("hunter2")
    damaged = {"$sealed": sealed["$sealed"][:-4] + "AAA="}
    with pytest.raises(WrongKey):
        unseal(damaged)
