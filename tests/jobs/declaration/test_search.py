"""What tasks declare by which their jobs are found, and which values are keys."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.jobs.celery.task import task
from app.jobs.declaration import registry, search
from app.jobs.errors import UnusableSearch
from app.values.field_errors import InvalidFields

if TYPE_CHECKING:
    from collections.abc import Callable

SURROGATE = "\ud800"


class Shop(StrEnum):
    NORTH = "north"


class Level(IntEnum):
    HIGH = 3


@task(search=("order_id", "note"))
def sell(order_id: object, note: str | None = None, **_more: object) -> None:
    """Is looked for by what is sold."""


@task(search=["anything"])
def take_any(**_values: object) -> None:
    """Is looked for by an argument that is not among its parameters."""


SPEC = registry.spec_of(sell.name)


def keys(**arguments: Any) -> list[str]:
    """The names of the keys of a job."""
    return [name for name, _ in search.keys_of(SPEC, (), arguments)]


def is_found(value: object, *, by: str) -> bool:
    """Whether a job of an order of this `value` is found by what somebody types."""
    [(name, digest)] = search.keys_of(SPEC, (value,), {})
    asked = search.read(f"order_id:{by}")
    return (asked.name, list(asked.hashes)) == (name, [digest])


@pytest.mark.parametrize(
    ("value", "by"),
    [
        ("a", "a"),
        ("a:b", "a:b"),
        (" a ", " a "),
        ("123", "123"),
        (123, "123"),
        (-1, "-1"),
        (123.0, "123"),
        (1.5, "1.5"),
        (Decimal("7.00"), "7"),
        (Decimal("7.50"), "7.50"),
        (Level.HIGH, "3"),
        (True, "true"),
        (Shop.NORTH, "north"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        ("заказ 七", "заказ 七"),
        ("e\u0301", "\u00e9"),
        ("a\x00b", "a\x00b"),
        (SURROGATE, SURROGATE),
        ("x" * 1_000, "x" * 1_000),
    ],
)
def test_a_value_is_found_as_somebody_types_it(value: object, by: str) -> None:
    assert is_found(value, by=by)


@pytest.mark.parametrize(("value", "by"), [("A", "a"), ("a", "a "), ("1", "01"), (1, "true"), (True, "1")])
def test_another_value_is_another(value: object, by: str) -> None:
    assert not is_found(value, by=by)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        [],
        {},
        [1],
        {"id": 1},
        {"$sealed": "gAAAAA"},
        b"a",
        float("nan"),
        float("inf"),
        Decimal("sNaN"),
        "x" * 1_001,
        2**1_025,
    ],
)
def test_what_nobody_types_is_no_key(value: object) -> None:
    assert keys(order_id=value) == []


def test_a_number_of_any_size_is_looked_at_at_once() -> None:
    assert keys(order_id=Decimal("1E+999999")) == []
    assert keys(order_id=1e308) == ["order_id"]
    assert keys(order_id=10**5_000) == []


def test_only_what_is_declared_and_given_is_a_key() -> None:
    assert keys(order_id=1, note="x", further=2) == ["order_id", "note"]
    assert keys(order_id=1) == ["order_id"]
    assert keys(order_id=1, note=None) == ["order_id"]
    with pytest.raises(TypeError):
        search.keys_of(SPEC, (1, 2, 3), {})


def test_a_key_tells_nothing_of_its_value() -> None:
    pairs = search.keys_of(SPEC, ("ann@example.org",), {"note": "ann@example.org"})
    assert "ann" not in json.dumps(pairs)
    assert len({digest for _, digest in pairs}) == 2
    assert {len(digest) for _, digest in pairs} == {32}


def test_keys_of_before_another_secret_key_are_found(configure: Callable[..., None]) -> None:
    first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    configure(secret_key=first)
    [(_, before)] = search.keys_of(SPEC, (1,), {})
    configure(secret_key=second, other_secret_keys=first)
    [(_, now)] = search.keys_of(SPEC, (1,), {})
    assert list(search.read("order_id:1").hashes) == [now, before]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "write its name and its value, as order_id:123"),
        ("order_id", "write its name and its value"),
        ("order_id:", "write its name and its value"),
        (":1", "No task declares"),
        ("ordre_id:1", 'Did you mean "order_id"'),
        (f"{'x' * 10_000}:1", "No task declares"),
        (f"order_id:{'x' * 1_001}", "1,001 characters"),
        ("\x00:1", r"No task declares the search key \"\\x00\""),
        (f"{SURROGATE}:1", r"No task declares the search key \"\\ud800\""),
        ("task:1 OR 1=1", "Declared are: "),
    ],
)
def test_what_is_no_key_is_said(written: str, sentence: str) -> None:
    with pytest.raises(InvalidFields, match=sentence) as refused:
        search.read(written)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("order_id", "give the names of arguments"),
        (None, "give the names of arguments"),
        (("a", 1), "give the names of arguments"),
        (("b",), r"it takes no argument 'b' \(a, pin\)"),
        (("",), "it takes no argument ''"),
        (("a:b",), "it takes no argument"),
        (("pin",), "as sensitive"),
        (tuple(f"a{number}" for number in range(9)), "declares 9 search keys, and may have 8"),
    ],
)
def test_a_mistake_fails_at_import(names: Any, sentence: str) -> None:
    with pytest.raises(UnusableSearch, match=sentence):

        @task(search=names, sensitive=("pin",))
        def mistaken(a: int, pin: str) -> None:
            """Is never declared."""


def test_what_a_task_takes_besides_its_parameters_may_be_a_key() -> None:
    assert registry.spec_of(take_any.name).search == ("anything",)
    with pytest.raises(UnusableSearch, match="it takes no argument '_values'"):
        task(search=("_values",))(take_any.run)
    with pytest.raises(UnusableSearch, match="not durable"):
        task(search=("anything",), durable=False)(take_any.run)
