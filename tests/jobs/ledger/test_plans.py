"""A job is found by its id, also where the planner believes that nothing waits and nothing runs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.dialects import postgresql

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.statements import POSTGRESQL
from app.jobs.ledger.states import is_still

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

pytestmark = pytest.mark.databases("postgresql")

WAITING = 3000
#: Statements by name, each with what its placeholders stand for.
HOT = {
    "claim": ("w", "r", 60, ["a"], [0], True),
    "claim_one": ("w", "r", 60, "a", 0),
    "finish": (["a"], [1], ["1"], [0.5]),
    "finish_one": ("1", "a", 1),
    "extend": (60, ["a"], "w"),
    "checkpoint": (60, None, "a", 1),
    "note_begun": (["a"], [1], [0.5]),
    "release": (["a"], [1]),
    "take_over": ("a", 0, "w", 1),
    "is_done": ("a", 1),
}


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    """Of a ledger in which a thousand jobs wait, and whose statistics were taken when none did."""
    assert database
    with transaction() as session:
        accept(session, [new_job("sample.add", args=(1, 1)) for _ in range(WAITING)])
        session.execute(update(Job).values(state=State.DONE, finished_at=Job.accepted_at))
    with transaction() as session:
        session.execute(text("ANALYZE job"))
        accept(session, [new_job("sample.add", args=(1, 1)) for _ in range(WAITING)])
        session.execute(text("SET plan_cache_mode = force_generic_plan"))
        yield session


@pytest.mark.parametrize("name", HOT)
def test_a_hot_statement_asks_the_primary_key(session: Session, name: str) -> None:
    number = iter(range(1, 99))
    statement = re.sub("%s", lambda _: f"${next(number)}", getattr(POSTGRESQL, name))
    session.connection().exec_driver_sql(f"PREPARE {name} AS {statement}")
    plan = session.connection().exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) EXECUTE {name} ({', '.join(map(_literal, HOT[name]))})"
    )
    assert set(indexes(plan.scalar_one())) == {"pk_job"}


@pytest.mark.parametrize("state", [State.READY, State.RUNNING, State.SCHEDULED])
def test_so_does_what_is_asked_of_a_job_in_a_state(session: Session, state: State) -> None:
    statement = update(Job).where(Job.id == "a", is_still(state)).values(worker=None)
    dialect: Any = postgresql.dialect  # (untyped)
    written = statement.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})
    plan = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {written}")
    assert set(indexes(plan.scalar_one())) == {"pk_job"}


def indexes(plan: Any) -> Iterator[str]:
    """What a plan reads: names of indexes, or of tables that it reads whole."""
    if isinstance(plan, list):
        for part in plan:
            yield from indexes(part)
    elif isinstance(plan, dict):
        if "Scan" in plan.get("Node Type", "") and "Relation Name" in plan:
            yield str(plan.get("Index Name", plan["Relation Name"]))
        for part in (plan.get("Plan"), plan.get("Plans")):
            yield from indexes(part)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"'{json.dumps(value).replace('[', '{').replace(']', '}')}'"
    return f"'{value}'" if isinstance(value, str) else str(value)
