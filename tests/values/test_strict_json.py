"""Bodies of strangers cost little, whatever is in them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest

from app.errors import GroundworkError
from app.http.bodies import DEFAULT_LIMIT
from app.values.field_errors import MAX_ERRORS, MAX_REPEATED, InvalidFields
from app.values.strict_json import InvalidJson, parsed

#: How many times the cost of an ordinary body of that size. What costs the square of its size is far beyond.
BUDGET = 12
SIZE = DEFAULT_LIMIT


def many(unit: str, *, start: str = "[", end: str = "]") -> bytes:
    """As many units as fit, each with its number in the place of %x."""
    made: list[str] = []
    size = len(start) + len(end)
    while size < SIZE:
        made.append(unit % len(made) if "%x" in unit else unit)
        size += len(made[-1]) + 1
    return (start + ",".join(made[:-1]) + end).encode()


WORST = {
    "keys that all differ": many('"%x":0', start="{", end="}"),
    "keys of which the last two are the same": many('"%x":0', start="{", end=',"q":0,"q":1}'),
    "one key over and over": many('"a":0', start="{", end="}"),
    "two keys in each of many objects": many('{"a":0,"b":1}'),
    "bad keys": many('"\\u0000%x":0', start="{", end="}"),
    "depth without an end": b"[" * SIZE,
    "objects in objects": b'{"a":' * (SIZE // 5),
    "all the depth that is allowed": many("[" * 30 + "0" + "]" * 30),
    "empty lists": many("[]"),
    "empty objects": many("{}"),
    "zeros": many("0"),
    "ones": many("1"),
    "one long number": b"9" * SIZE,
    "numbers as long as Python takes": many("9" * 4_300),
    "one long fraction": b"0." + b"9" * (SIZE - 2),
    "long fractions": many("1." + "7" * 765 + "e-300"),
    "one long exponent": b"1e" + b"9" * (SIZE - 2),
    "numbers beyond 64 bits": many("9223372036854775808"),
    "numbers beyond all bounds": many("1e999"),
    "the smallest numbers": many("4.9406564584124654e-324"),
    "escapes": b'"' + b"\\u0041" * (SIZE // 6 - 1) + b'"',
    "surrogate pairs": b'"' + b"\\ud83d\\ude00" * (SIZE // 12 - 1) + b'"',
    "halves of surrogate pairs": b'"' + b"\\ud83d" * (SIZE // 6 - 1) + b'"',
    "strings with a NUL": many('"\\u0000"'),
    "backslashes": b'"' + b"\\\\" * (SIZE // 2 - 1) + b'"',
    "empty strings": many('""'),
    "a string without an end": b'"' + b"a" * (SIZE - 1),
    "lines": b"\n" * (SIZE - 1) + b"x",
    "spaces": b" " * SIZE,
    "bytes that are not UTF-8": b'"' + b"a" * (SIZE - 3) + b'\xff"',
    "mistakes below a long key": many("1e999", start='{"' + "k" * (SIZE // 2) + '":[', end="]}"),
}


ORDINARY = many('"%x":"text"', start="{", end="}")


def cost(body: bytes) -> float:
    began = time.process_time()
    with suppress(GroundworkError):
        parsed(body)
    return time.process_time() - began


@pytest.mark.parametrize("name", WORST)
def test_the_worst_of_bodies_costs_little(name: str) -> None:
    assert len(WORST[name]) <= SIZE
    # One pair within it will do: in the others, another process may have had cache and processor.
    assert any(cost(WORST[name]) <= BUDGET * cost(ORDINARY) for _ in range(20))


def test_what_is_read_is_what_was_written() -> None:
    document: Any = {"a": [1, -1, 0, 2**63 - 1, -(2**63), 1.5, True, False, None, "", "ü€😀", {}, []]}
    assert parsed(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "repeated",
    ['{"a": 1, "a": 2}', '[{"x": {"a": 0, "b": 0, "a": 0}}]', '{"": 1, "": 1}'],
)
def test_a_repeated_key_is_named(repeated: str) -> None:
    with pytest.raises(InvalidJson, match="appears twice"):
        parsed(repeated.encode())


@pytest.mark.parametrize("depth", [32, 33])
def test_the_depth_has_a_bound(depth: int) -> None:
    body = b"[" * depth + b"1" + b"]" * depth
    if depth <= 32:
        assert parsed(body)
        return
    with pytest.raises(InvalidJson, match="deeper than 32"):
        parsed(body)


def test_of_many_mistakes_the_first_are_named_and_the_others_counted() -> None:
    with pytest.raises(InvalidFields) as caught:
        parsed(many("1e999", start='{"a~/b": [', end="]}"))
    errors = caught.value.errors
    assert [error.pointer for error in errors] == [f"/a~0~1b/{index}" for index in range(MAX_ERRORS)]
    assert caught.value.more > 40_000
    assert f"and {caught.value.more + MAX_ERRORS - 1} more" in str(caught.value)


def test_no_more_of_a_pointer_is_repeated_than_a_person_reads() -> None:
    with pytest.raises(InvalidFields) as caught:
        parsed(WORST["mistakes below a long key"])
    assert len(json.dumps([error.as_json() for error in caught.value.errors])) < 4 * MAX_ERRORS * MAX_REPEATED
