from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.db.sessions import transaction
from app.domains.pricing import sweep
from app.domains.pricing.errors import OutOfRange
from app.domains.pricing.facts import Progress, Stats
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def test_progress_grows_to_the_total(database: Engine) -> None:
    shop.put_many(25)
    seen: list[Progress] = []
    sweep.recompute(
        transaction=transaction, rules=shop.RULES, days_threshold=30, chunk_size=10, report=seen.append
    )
    assert [(step.done, step.total) for step in seen] == [(10, 25), (20, 25), (25, 25)]


def test_what_was_priced_before_a_crash_stays_priced(database: Engine) -> None:
    shop.put_many(25)

    def crash(progress: Progress) -> None:
        if progress.done == 20:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sweep.recompute(
            transaction=transaction, rules=shop.RULES, days_threshold=30, chunk_size=10, report=crash
        )
    assert shop.recompute() == Stats(examined=25, opened=5, unchanged=20)


@pytest.mark.parametrize(("days", "chunk_size"), [(-1, 100), (3651, 100), (30, 0), (30, 5001)])
def test_numbers_out_of_range_are_refused(database: Engine, days: int, chunk_size: int) -> None:
    with pytest.raises(OutOfRange, match="give a whole number from"):
        shop.recompute(days=days, chunk_size=chunk_size)


def test_statements_grow_with_the_chunks_not_with_the_batches(database: Engine) -> None:
    shop.put_many(300)
    statements: list[str] = []
    event.listen(
        database, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    shop.recompute(chunk_size=100)
    assert len(statements) <= 6 * (300 // 100 + 1) + 1


def test_a_trial_prices_by_the_day_that_it_plays(database: Engine, configure: Callable[..., None]) -> None:
    batch = shop.put(days=60)
    assert shop.recompute() == Stats()
    configure(pretend_now=(shop.now() + timedelta(days=57)).isoformat())
    assert shop.recompute() == Stats(examined=1, opened=1)
    discount = shop.active(batch)
    assert discount is not None
    assert discount.valid_from > shop.now() + timedelta(days=56)
