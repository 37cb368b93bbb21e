"""What a worker's main process and its children tell each other arrives whole, once and in order."""

from __future__ import annotations

import os
import pickle
import random
import select
from collections import deque
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from kombu.asynchronous import Hub

from app.worker.pools import pipes

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ends:
    """A pipe whose reading end does not wait."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)

    def close(self) -> None:
        for end in (self.read, self.write):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def pipe() -> Iterator[Ends]:
    with closing(Ends()) as made:
        yield made


class Heard:
    """A result handler of which only the reading is used; what it heard is in `said`."""

    def __init__(self, pipe: Ends) -> None:
        self.said: list[Any] = []
        self.hub = Hub()
        self.fileno_to_outq = {pipe.read: "a child"}
        self.on_readable = pipes.Answers._make_process_result(self, self.hub)  # type: ignore[arg-type]
        self.hub.add_reader(pipe.read, self.on_readable, pipe.read)

    def on_state_change(self, answer: Any) -> None:
        self.said.append(answer)
        if answer == "wrong":
            raise LookupError(answer)

    def turn(self) -> None:
        """Let the event loop look once."""
        self.hub.call_soon(int)
        next(self.hub.create_loop())


@pytest.fixture
def heard(pipe: Ends) -> Iterator[Heard]:
    made = Heard(pipe)
    with closing(made.hub):
        yield made


def frame(order: Any) -> bytes:
    return b"".join(pipes.framed(order))


def test_answers_that_came_together_are_heard_in_one_turn(pipe: Ends, heard: Heard) -> None:
    os.write(pipe.write, b"".join(map(frame, range(1, 100))))

    heard.turn()

    assert heard.said == list(range(1, 100))


def test_wherever_a_stream_is_cut_each_answer_is_heard_once_and_in_order(pipe: Ends, heard: Heard) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    said = [("x" * chance.choice((1, 10, 5000)), number) for number in range(200)]
    stream = deque(b"".join(map(frame, said)))
    while stream:
        size = chance.choice((1, 3, 4, 5, 100, 4096))
        os.write(pipe.write, bytes(stream.popleft() for _ in range(min(size, len(stream)))))
        heard.turn()
    while select.select([pipe.read], [], [], 0)[0]:
        heard.turn()

    assert heard.said == said


def test_an_answer_larger_than_the_pipe_is_heard(pipe: Ends, heard: Heard) -> None:
    large = frame("x" * (1024 * 1024))
    while large:
        with suppress(BlockingIOError):
            large = large[os.write(pipe.write, large) :]
        heard.turn()
    heard.turn()

    assert [len(answer) for answer in heard.said] == [1024 * 1024]


def test_one_answer_that_fails_keeps_no_other_from_being_heard(pipe: Ends, heard: Heard) -> None:
    unreadable = pipes._LENGTH.pack(3) + b"abc"
    begun = frame("last")
    os.write(pipe.write, frame("first") + frame("wrong") + unreadable + frame("third") + begun[:7])

    with pytest.raises((LookupError, pickle.UnpicklingError)):
        heard.turn()
    os.write(pipe.write, begun[7:])
    heard.turn()

    assert heard.said == ["first", "wrong", "third", "last"]


@pytest.mark.parametrize("cut", [0, 2, 6])
def test_a_child_that_has_gone_is_not_looked_at_again(pipe: Ends, heard: Heard, cut: int) -> None:
    os.write(pipe.write, frame("whole") + frame("last")[:cut])
    heard.turn()
    os.close(pipe.write)
    heard.turn()

    assert heard.said == ["whole"]
    assert pipe.read not in heard.hub.readers


def test_a_full_pipe_takes_no_part_of_an_order(pipe: Ends) -> None:
    order = frame("x" * 3000)
    taken = 0
    while pipes.write_whole(pipe.write, order):
        taken += 1

    assert taken > 0
    assert len(os.read(pipe.read, 1024 * 1024)) == taken * len(order)


def test_an_order_that_may_be_cut_is_left_to_the_event_loop(pipe: Ends) -> None:
    assert not pipes.write_whole(pipe.write, frame("x" * pipes.ATOMIC_BYTES))


def test_a_pipe_that_nobody_reads_takes_nothing(pipe: Ends) -> None:
    os.close(pipe.read)

    assert not pipes.write_whole(pipe.write, frame(1))


def test_what_pickle_alone_cannot_write_is_left_to_who_can(pipe: Ends) -> None:
    strange: list[object] = [lambda: None]
    left: list[object] = []

    pipes.write(pipe.write, strange, otherwise=left.append)

    assert left == [strange]
    with pytest.raises(BlockingIOError):
        os.read(pipe.read, 1)
