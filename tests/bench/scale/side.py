"""One of the two ledgers, in a process of its own whose settings name it."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.pool import Pool

MS = 1000


@dataclass
class Side:
    """Asks one ledger; `environment` are the settings that name it."""

    name: str
    environment: dict[str, str]

    @cached_property
    def _pool(self) -> Pool:
        return multiprocessing.get_context("spawn").Pool(1, _enter, (self.environment,))

    def migrate(self) -> None:
        """Make the tables."""
        self._apply(_migrate)

    def questions(self) -> list[str]:
        """What it can be asked."""
        return list(self._apply(_questions))

    def prepare(self) -> None:
        """Have the broker hold what it would."""
        self._apply(_prepare)

    def ask(self, question: str) -> list[float]:
        """How many milliseconds each of its calls took."""
        return list(self._apply(_ask, question))

    def explain(self, question: str) -> str:
        """The plan of the slowest statement of the first call."""
        return str(self._apply(_explain, question))

    def _apply(self, function: Callable[..., Any], *given: str) -> Any:
        answer, problem = self._pool.apply(_told, (function, given))
        if problem:
            raise SystemExit(problem)
        return answer

    def close(self) -> None:
        """End its process."""
        self._pool.terminate()
        self._pool.join()


def _enter(environment: dict[str, str]) -> None:
    os.environ.update(environment)


def _told(function: Callable[..., Any], given: Sequence[str]) -> tuple[Any, str]:
    """The answer, or what went wrong as text: not every error can be sent to another process."""
    try:
        return function(*given), ""
    except Exception:
        return None, traceback.format_exc()


# Importing what follows reads the settings, which only the process of a side has.
def _migrate() -> None:
    from app.db.migrations import revisions

    revisions.upgrade()


def _questions() -> list[str]:
    from tests.bench.scale.questions import QUESTIONS

    return list(QUESTIONS)


def _prepare() -> None:
    from tests.bench.scale import questions

    questions.prepare()


def _ask(question: str) -> list[float]:
    from tests.bench.scale.questions import QUESTIONS

    taken = []
    for call in QUESTIONS[question]():
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * MS)
    return taken


def _explain(question: str) -> str:
    from app.db.engine import engine
    from tests.bench.scale.questions import QUESTIONS

    begun: dict[int, float] = {}
    seen: list[tuple[float, str, Any]] = []

    def before(_connection: Any, cursor: Any, *_: Any) -> None:
        begun[id(cursor)] = time.perf_counter()

    def after(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((time.perf_counter() - begun[id(cursor)], statement, parameters))

    call = next(iter(QUESTIONS[question]()))
    event.listen(engine(), "before_cursor_execute", before)
    event.listen(engine(), "after_cursor_execute", after)
    call()
    event.remove(engine(), "before_cursor_execute", before)
    event.remove(engine(), "after_cursor_execute", after)
    if not seen:
        return "none that the engine ran"
    seconds, statement, parameters = max(seen, key=lambda one: one[0])
    with engine().connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters).scalars()
        plan = "\n    ".join(rows)
        connection.execute(text("ROLLBACK"))
    return f"{seconds * MS:.0f} ms of {len(seen)} statements: {statement}\n    {plan}"
