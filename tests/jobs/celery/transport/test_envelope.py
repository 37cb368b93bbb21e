"""A document is read as Python reads it, whoever reads it more quickly."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest

from app.jobs.celery.transport import envelope
from app.jobs.celery.transport.envelope import NotAMessage

DEEP, DIGITS = 500, 4_300
TEXTS = [
    *("1e400", "-1e400", "Infinity", "5e-324", "0.1", "1.7976931348623157e308", "-0", "-0.0", "1E5"),
    *("9007199254740993", "9007199254740993.0", "123456789012345678901234567890", "1" * DIGITS),
    *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"žluťoučký 馬"', '{"a": 1, "a": 2}', " [1, {}] "),
    *("", "[1,]", "01", '"\x01"', "\ufeff1", "[]x", "nan", "1" * (DIGITS + 1), "[" * DEEP),
    "[" * DEEP + "]" * DEEP,
]


def read_by_python(text: str) -> object:
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return NotAMessage


def read(raw: bytes) -> object:
    try:
        return envelope.read(raw)
    except NotAMessage:
        return NotAMessage


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:24])
def test_every_text_is_read_as_python_reads_it(text: str) -> None:
    found, expected = read(text.encode()), read_by_python(text)
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_no_number_is_read_as_such() -> None:
    assert math.isnan(float(str(read(b"NaN"))))


@pytest.mark.parametrize("raw", [b'"\xff"', b"\xff\xfe1\x00", b"\x00"])
def test_what_is_no_text_is_no_message(raw: bytes) -> None:
    assert read(raw) is NotAMessage
