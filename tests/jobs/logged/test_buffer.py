"""A buffer keeps the first and the last lines of an attempt, however many there are and however it goes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from app.jobs.logged.buffer import GATHERED, KEPT_BYTES, KEPT_LINES, Buffer

if TYPE_CHECKING:
    from datetime import timedelta


class Asked:
    """Notes when it was to write at the latest."""

    def __init__(self) -> None:
        self.spans: list[timedelta] = []

    def write_within(self, span: timedelta, buffer: Buffer) -> None:
        self.spans.append(span)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def buffer(asked: Asked) -> Buffer:
    return Buffer(job_id="j", fence=1, writer=asked)


def numbers(buffer: Buffer) -> list[int]:
    """Of the lines that are to be written."""
    return [
        number
        for chunk in buffer.unwritten()
        for number in range(chunk.first, chunk.first + len(chunk.lines))
    ]


def write(buffer: Buffer) -> None:
    buffer.written(buffer.unwritten())


def test_few_lines_are_all_kept(buffer: Buffer) -> None:
    for number in range(3):
        buffer.add(str(number))
    assert [(chunk.first, chunk.lines) for chunk in buffer.unwritten()] == [(0, ("0", "1", "2"))]


def test_of_many_the_first_and_the_last_are(buffer: Buffer) -> None:
    for number in range(100_000):
        buffer.add(str(number))
    head, tail = buffer.unwritten()
    assert (head.first, head.lines[-1], len(head.lines)) == (0, str(KEPT_LINES - 1), KEPT_LINES)
    assert (tail.lines[0], tail.lines[-1]) == (str(tail.first), "99999")
    assert len(tail.lines) == KEPT_LINES


def test_long_lines_leave_room_for_fewer(buffer: Buffer) -> None:
    for _ in range(100):
        buffer.add("x" * 10_000)
    assert buffer.size <= 2 * KEPT_BYTES
    assert numbers(buffer)[0] == 0
    assert numbers(buffer)[-1] == 99


def test_a_line_that_does_not_fit_comes_before_shorter_ones(buffer: Buffer) -> None:
    buffer.add("x" * (KEPT_BYTES - 10))
    for line in ("y" * 100, "short"):
        buffer.add(line)
    assert [chunk.lines[-1][:5] for chunk in buffer.unwritten()] == ["xxxxx", "short"]
    assert numbers(buffer) == [0, 1, 2]


def test_it_is_written_once_for_many_lines_and_at_once_when_the_attempt_ends(
    buffer: Buffer, asked: Asked
) -> None:
    buffer.end()
    assert asked.spans == []
    for number in range(3):
        buffer.add(str(number))
    buffer.end()
    assert len(asked.spans) == 2
    assert asked.spans[-1] == GATHERED
    write(buffer)
    buffer.end()
    assert len(asked.spans) == 2


def test_lines_that_come_while_it_is_written_are_written_next(buffer: Buffer) -> None:
    buffer.add("first")
    chunks = buffer.unwritten()
    buffer.add("second")
    assert buffer.written(chunks)
    assert [(chunk.first, chunk.lines) for chunk in buffer.unwritten()] == [(1, ("second",))]
    assert not buffer.written(buffer.unwritten())


def test_lines_that_are_dropped_while_it_is_written_are_not_missed(buffer: Buffer) -> None:
    for number in range(2 * KEPT_LINES):
        buffer.add(str(number))
    chunks = buffer.unwritten()
    for number in range(2 * KEPT_LINES, 4 * KEPT_LINES):
        buffer.add(str(number))
    buffer.written(chunks)
    assert numbers(buffer) == list(range(3 * KEPT_LINES, 4 * KEPT_LINES))


def test_what_is_stored_of_the_last_lines_goes_as_newer_ones_come(buffer: Buffer) -> None:
    stored: dict[int, int] = {}
    for number in range(10 * KEPT_LINES):
        buffer.add(str(number))
        if number % 90 == 89:
            stored |= {chunk.first: len(chunk.lines) for chunk in buffer.unwritten()}
            write(buffer)
            gone = buffer.outlived()
            if gone:
                stored = {first: of for first, of in stored.items() if not gone[0] <= first <= gone[1]}
    assert sum(stored.values()) <= 2 * KEPT_LINES + 90
    last = [first for first in sorted(stored) if first >= KEPT_LINES]
    assert all(first + stored[first] == following for first, following in pairwise(last))
    assert sum(stored[first] for first in last) >= KEPT_LINES
