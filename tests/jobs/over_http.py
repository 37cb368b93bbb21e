"""Jobs as a client of the API makes and meets them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State
from tests.jobs import samples

if TYPE_CHECKING:
    from starlette.testclient import TestClient

GREET = samples.greet.name
HELLO = {"task": GREET, "arguments": {"name": "Ada"}}


def submitted(api: TestClient, **changes: Any) -> str:
    answer = api.post("/api/v1/jobs", json={**HELLO, **changes})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def number_of_jobs() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def replace_process(job_id: str, state: State, **values: Any) -> None:
    """Put a job in a state, as a worker's run of it would have."""
    ended = {"finished_at": datetime.now(UTC)} if state.is_terminal else {}
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state, **ended, **values))


def claimed(job_id: str) -> store.Claim:
    return store.claim(store.connection(), [store.Message(job_id, 0)], worker="here#1")[0]
