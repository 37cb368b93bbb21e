"""JSON with types: what is written is read back as it was, also what looks like a type."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.serialization import dumps, loads

from app.values.typed_json import MAX_DEPTH, TooDeep, Unreadable, from_json, shown, to_json

MARKS = [
    {"__type__": "x"},
    {"__type__": "x", "__value__": 1},
    {"__type__": "decimal", "__value__": "1.5"},
    {"__type__": "decimal", "__value__": "no number"},
    {"__type__": ["x"], "__value__": {}},
    {"__type__": "pairs", "__value__": [["a", 1]]},
    {"__type__": "datetime", "__value__": "soon", "more": 1},
    {"__type__": "uuid", "__value__": {"__type__": "uuid", "__value__": {"__type__": "bytes"}}},
    {"__type__": "x", "__value__": Decimal("1.5")},
    [{"deep": [{"__type__": None, "__value__": None}]}],
]
TYPED = [
    Decimal("1.10"),
    Decimal("NaN"),
    datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    date(2026, 1, 31),
    time(9, 30),
    UUID(int=7),
    b"plain",
    b"\xff\x00",
    2**70,
    -(10**4000),
    1.0,
    "\udce9",
    "a\x00b",
    '"__type__"',
    "__type__",
    {"__value__": 1},
    "日本",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.decimals(allow_nan=False)
    | st.binary()
    | st.datetimes()
    | st.dates()
    | st.uuids()
)
KEYS = st.sampled_from(["__type__", "__value__"]) | st.text()
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@pytest.mark.parametrize("value", [*MARKS, *TYPED], ids=lambda value: repr(value)[:40])
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    for read in (from_json(to_json([value])), from_json(to_json({"in": [value]}).encode())["in"]):
        assert repr(read) == repr([value])


@given(DATA)
def test_whatever_it_is_made_of(value: Any) -> None:
    assert from_json(to_json(value)) == value


@given(DATA)
def test_a_worker_reads_it_from_a_message_as_it_was(value: Any) -> None:
    raw = f"[{to_json(value)}]"
    assert loads(raw, "application/json", "utf-8", accept={"application/json"}) == [value]
    # A non-durable task's arguments go through kombu's own hands once more.
    again = dumps(json.loads(raw), "json")
    assert loads(again[2], again[0], again[1], accept={"application/json"}) == [value]


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {"a": math.nan}])
def test_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(value)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_could_not_be_read_for_its_depth_is_refused() -> None:
    assert from_json(to_json(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    for levels in (MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(TooDeep):
            to_json({"a": nested(levels)} if levels < 1000 else nested(levels))
    flat = [{"brackets": "[{" * 1000}] * 1000
    assert from_json(to_json(flat)) == flat


@pytest.mark.parametrize("text", ["", "{", "nonsense", "\x00", "[" * 100_000, b"\xff"], ids=range(6))
def test_what_is_no_json_is_given_as_it_is(text: Any) -> None:
    assert isinstance(from_json(text), Unreadable)


def test_a_type_that_only_another_release_knows_stays_marked() -> None:
    marked = '[{"__type__": "money", "__value__": "1 EUR"}, 1]'
    assert from_json(marked) == json.loads(marked)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.10"), "1.10"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        (date(2026, 1, 31), "2026-01-31"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (b"text", "text"),
        (b"\xff", "/w=="),
        (math.nan, "nan"),
        (2**70, 2**70),
        ({"\udce9": ["\udce9"]}, {"\\udce9": ["\\udce9"]}),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (Unreadable("{"), "{"),
    ],
)
def test_a_person_sees_plain_json(value: Any, expected: Any) -> None:
    assert shown([value]) == [expected]
    json.dumps(shown([value]), ensure_ascii=False, allow_nan=False).encode()
