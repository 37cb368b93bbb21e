"""What a body returns is kept on both databases or refused in one sentence; an exception is always kept."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.jobs.errors import NotJson
from app.jobs.ledger import encoding
from app.jobs.ledger.models import State
from app.jobs.transitions import attempt, rules
from app.jobs.transitions.apply import end_attempt, held_with
from app.values.typed_json import from_json, to_json
from tests.jobs.running import attempts_of, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Mute(Exception):
    """Fails to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Hostile:
    """A value whose every method fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def __json__(self) -> str:
        raise RuntimeError("no JSON")


def deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def undecodable() -> UnicodeDecodeError:
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


UNPLAIN: list[BaseException] = [
    undecodable(),
    KeyError(date(2026, 1, 31)),
    KeyError(datetime(2026, 1, 31, tzinfo=UTC)),
    ValueError(uuid.UUID(int=1), Decimal("1.10")),
    ValueError("\udce9"),
    ValueError("a\x00b"),
    ValueError("x", math.nan),
    ValueError("x", [math.inf]),
    ValueError("e" * 5_000_000),
    ValueError({"list": ["e" * 5_000_000]}),
    ValueError({1, 2}),
    ValueError(deep(100_000)),
    ValueError(*range(10_000)),
    ValueError(2**70),
    ValueError(Hostile()),
    ValueError({Hostile(): 1}),
    Mute(),
    Mute("argument"),
    type("Übung", (Exception,), {"__module__": 5})("x"),
]


@pytest.mark.parametrize("error", UNPLAIN, ids=lambda error: type(error).__name__)
def test_the_end_of_an_attempt_is_kept_whatever_the_exception_holds(
    database: Engine, error: BaseException
) -> None:
    running = attempt.begin(job_id=str(tasks.add.delay(1, 1).id), attempt=0, worker="here")
    assert running
    transition = rules.dead(
        encoding.sentence(error), traceback="\udce9\x00" * 500_000, result=encoding.exception(error)
    )
    guard = held_with(job_id=running.id, fence=running.fence)
    with transaction() as session:
        assert end_attempt(session, job_id=running.id, guard=guard, transition=transition)
    attempt.end_current()
    job = job_of(running.id)
    assert job.state == State.DEAD
    assert job.error
    assert job.error.startswith(type(error).__name__)
    assert len(job.error) < 3 * encoding.MAX_ERROR
    job.error.encode()
    [ended] = attempts_of(running.id)
    assert ended.traceback
    assert "left out" in ended.traceback
    assert isinstance(tasks.add.AsyncResult(running.id).result, BaseException)


@pytest.mark.parametrize("error", UNPLAIN[:5], ids=lambda error: type(error).__name__)
def test_an_exception_comes_back_with_the_types_of_its_arguments(error: BaseException) -> None:
    kept = from_json(to_json(encoding.exception(error)))
    back = tasks.add.backend.exception_to_python(kept)
    assert (type(back), back.args) == (type(error), error.args)


def test_long_arguments_of_an_exception_are_cut() -> None:
    kept = encoding.exception(ValueError("e" * 5_000_000, ["e" * 5_000_000]))
    assert len(to_json(kept)) < 3 * encoding.MAX_EXCEPTION_ARGUMENT


def test_a_cut_text_keeps_its_beginning_and_its_end() -> None:
    cut = encoding.text("begin" + "x" * 10_000 + "end", limit=100)
    assert cut.startswith("begin")
    assert cut.endswith("end")
    assert " 9908 characters left out " in cut


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "float"),
        ({"list": [1.5, -math.inf]}, "float"),
        ({1, 2}, "set"),
        ({(1, 2): 3}, "tuple"),
        (deep(100_000), "nested deeper"),
        (Hostile(), "no JSON"),
        (object(), "object"),
    ],
    ids=["nan", "inf", "set", "key", "depth", "hostile", "object"],
)
def test_what_json_cannot_carry_is_refused_in_a_sentence(value: Any, problem: str) -> None:
    with pytest.raises(NotJson, match=rf"(?s)^The result is not JSON: .*{problem}.*Use plain values"):
        encoding.encode(value)


@pytest.mark.parametrize(
    "value",
    [None, "\udce9", "a\x00b", 2**70, 1.0, 1e300, Decimal("1.10"), date(2026, 1, 31), {"é": ["日本"]}],
    ids=repr,
)
def test_what_json_can_carry_is_kept_on_both_databases(database: Engine, value: Any) -> None:
    running = attempt.begin(job_id=str(tasks.add.delay(1, 1).id), attempt=0, worker="here")
    assert running
    running.finish(encoding.encode(value))
    attempt.end_current()
    kept = job_of(running.id).result
    assert (kept, type(kept)) == (value, type(value))
