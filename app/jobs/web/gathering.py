"""Accepts together what many callers ask for at the same moment: one statement, one commit, one publish.

A commit waits for the disk however many rows it has, and so does a message for the broker. Whoever asks while
one is under way is in the next; nobody is answered before theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from starlette.concurrency import run_in_threadpool

from app.db import outages
from app.http.problems import DatabaseDown
from app.jobs.accept import Accepted, accept_again, accept_at_once
from app.jobs.ledger import store
from app.logs.failures import first_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.jobs.ledger.new_job import NewJob

log = structlog.get_logger(__name__)

#: While several ask at once, so long is waited for more of them.
GATHERED_SECONDS = 0.001
MAX_TOGETHER = 500
#: Who asked is told then that the database does not answer. What was not begun by then is not accepted.
MAX_WAIT_SECONDS = 30.0
#: A database that does not answer must not keep the API from stopping.
STOP_SECONDS = 10.0


class _Alone(Exception):
    """Says that a job is to be accepted by itself: it is known, or something was wrong with a neighbour."""


class _Asked(NamedTuple):
    job: NewJob
    answer: asyncio.Future[Accepted]
    loop: asyncio.AbstractEventLoop


class Gatherer(Thread):
    """The one thread of a process that accepts what is asked for together."""

    def __init__(self) -> None:
        super().__init__(name="gatherer", daemon=True)
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._are_many = False

    async def accept(self, job: NewJob) -> Accepted:
        """Accept a job, together with others; what is wrong with it is raised here, and nowhere else."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Accepted] = loop.create_future()
        self._asked.put(_Asked(job, answer, loop))
        timeout = loop.call_later(MAX_WAIT_SECONDS, _time_out, answer)
        try:
            return await answer
        except _Alone:
            return await run_in_threadpool(accept_again, job)
        finally:
            timeout.cancel()

    def run(self) -> None:
        """Accept whatever is asked for, until told to end."""
        while together := self._next():
            wanted = [one for one in together if not one.answer.done()]
            if wanted:
                _tell(wanted, _outcomes([one.job for one in wanted]))
        store.close()

    def close(self) -> None:
        """Accept what was asked for, and end."""
        self._asked.put(None)
        self.join(STOP_SECONDS)
        if self.is_alive():
            log.error("jobs_left_unanswered", error="the database did not answer in time")

    def _next(self) -> list[_Asked]:
        """Those who ask next; nobody once it is to end."""
        first = self._asked.get()
        if first is None:
            return []
        if self._are_many:
            time.sleep(GATHERED_SECONDS)
        together = [first]
        with suppress(Empty):
            while len(together) < MAX_TOGETHER:
                one = self._asked.get_nowait()
                if one is None:
                    self._asked.put(None)
                    break
                together.append(one)
        self._are_many = len(together) > 1
        return together


def _outcomes(jobs: Sequence[NewJob]) -> list[Accepted | Exception]:
    try:
        return [answer or _Alone() for answer in accept_at_once(jobs)]
    except Exception as error:
        has_keys = any(job.key is not None for job in jobs)
        if outages.is_away(error) or (outages.is_transient(error) and not has_keys):
            log.warning("database_unavailable", error=first_line(error), jobs=len(jobs))
            return [DatabaseDown() for _ in jobs]
        # One of them cannot be accepted, or stands in another's way. Each finds out by itself which it is.
        log.warning("jobs_not_accepted_together", error=first_line(error), jobs=len(jobs))
        return [_Alone() for _ in jobs]


def _tell(asked: Sequence[_Asked], outcomes: Sequence[Accepted | Exception]) -> None:
    answers: defaultdict[asyncio.AbstractEventLoop, list[tuple[Any, Accepted | Exception]]] = defaultdict(
        list
    )
    for one, outcome in zip(asked, outcomes, strict=True):
        answers[one.loop].append((one.answer, outcome))
    for loop, told in answers.items():
        with suppress(RuntimeError):  # a loop that is closed has nobody who waits
            loop.call_soon_threadsafe(_answer, told)


def _answer(told: Sequence[tuple[asyncio.Future[Accepted], Accepted | Exception]]) -> None:
    for answer, outcome in told:
        if answer.done():
            continue  # whoever asked has hung up, or waited too long
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _time_out(answer: asyncio.Future[Accepted]) -> None:
    if not answer.done():
        answer.set_exception(DatabaseDown())


#: A key that somebody else is just committing is waited for, which must hold up nobody without one.
_gatherers: dict[bool, Gatherer] = {}


def current(*, keyed: bool) -> Gatherer | None:
    """The gatherer of this process for jobs with or without a key, while the API runs."""
    return _gatherers.get(keyed)


@asynccontextmanager
async def gathering(_app: Any) -> AsyncIterator[None]:
    """Accept jobs together while the API runs, in each of its processes."""
    started = {keyed: Gatherer() for keyed in (False, True)}
    for gatherer in started.values():
        gatherer.start()
    _gatherers.update(started)
    yield
    _gatherers.clear()
    for gatherer in started.values():
        await run_in_threadpool(gatherer.close)
