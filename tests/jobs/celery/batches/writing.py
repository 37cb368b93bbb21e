"""A writer without a worker, and what it answers."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from app.jobs.celery.application import celery_app
from app.jobs.celery.batches.claimed import Fetched
from app.jobs.celery.batches.writer import Answers, Ended, LedgerWriter
from app.jobs.celery.heartbeat import holder
from app.jobs.transitions.attempt import Left
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = "here@host"


@dataclass
class Writing:
    """What came back from the writer."""

    claimed: list[Fetched] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        answers = Answers(
            claimed=self.claimed.extend,
            ended=lambda ended: self.ended.extend(one.request.id for one in ended),
            released=lambda released: self.released.extend(one.id for one in released),
        )
        backend: Any = celery_app.backend
        self.writer = LedgerWriter(worker=holder(NODE), answers=answers, after_death=backend.after_death)

    def claim(self, *fetched: Fetched) -> list[Fetched]:
        """Have these claimed; what came back of all so far."""
        before = len(self.claimed)
        self.writer.claim(fetched)
        wait_until(lambda: len(self.claimed) == before + len(fetched), seconds=20, what="an answer")
        return self.claimed[before:]

    def finish(self, *finishes: tuple[Fetched, str]) -> None:
        """Have these written, at once."""
        before = len(self.ended)
        for fetched, result in finishes:
            self.writer.finish(_ended(fetched, result))
        wait_until(lambda: len(self.ended) == before + len(finishes), seconds=20, what="an answer")


def _ended(fetched: Fetched, result: str) -> Ended:
    assert fetched.claim
    request = SimpleNamespace(
        id=fetched.id, hostname=NODE, retries=0, chord=None, chain=None, errbacks=None, group=None
    )
    left = Left(fetched.claim.fence, result, fetched.claimed_at)
    return Ended(request=request, left=left, seconds=0.0)


@contextmanager
def writing() -> Iterator[Writing]:
    """A writer for the block."""
    made = Writing()
    made.writer.start()
    yield made
    made.writer.end()


def accepted(**options: Any) -> Fetched:
    """A job in a queue that nobody drains, as its message says it."""
    job_id = str(tasks.add.apply_async((1, 1), queue="emails", **options).id)
    return fetched(job_id)


def fetched(job_id: str, *, attempt: int = 0) -> Fetched:
    """A job as its message says it."""
    return Fetched(id=job_id, attempt=attempt, document={}, queue="emails", place="emails", raw=b"")
