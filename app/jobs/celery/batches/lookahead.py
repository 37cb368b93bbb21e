"""What a worker has claimed beyond what its children run: as much as they begin within a moment."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from app.jobs.celery import compat
from app.jobs.celery.batches.claimed import Fetched, handing
from app.jobs.celery.batches.writer import Answers, Ended, LedgerWriter
from app.jobs.celery.transport import envelope
from app.jobs.celery.transport.copies import tag_of
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.ledger.names import is_name
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.quarantine import quarantine

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from app.jobs.transitions.attempt import Left
    from app.jobs.transitions.recording import AfterDeath

log = structlog.get_logger(__name__)

#: So much work is claimed ahead, by the pace at which jobs begin.
AHEAD = timedelta(milliseconds=50)
PACE_PERIOD = timedelta(milliseconds=100)
#: What has not begun after this goes back to the broker: the children are busy with longer jobs.
RELEASE_AFTER = timedelta(seconds=1)
#: What a child was given and has not begun: it is with none any more, or with one that will ask whether the
#: claim still holds (`claimed.TRUSTED_FOR`).
LOST_AFTER = timedelta(seconds=10)
LOOK_EVERY = timedelta(milliseconds=250)
#: A job that runs for longer is noted to have begun when it did, and not when it was claimed.
NOTED_AFTER = timedelta(milliseconds=200)
MAX_ATTEMPT = 2**31 - 1

_current: Lookahead | None = None


def current() -> Lookahead:
    """That of this worker, for requests whose jobs it has claimed."""
    assert _current is not None  # noqa: S101 (narrows the type)
    return _current


def is_used() -> bool:
    """Whether this worker has one."""
    return _current is not None


def stop_claimed(job_id: str) -> bool:
    """See to it that a job which is claimed ahead does not begin, or stops at once; whether there is one."""
    return _current is not None and _current.drop(job_id)


class Lookahead:
    """Belongs to the event loop; only what the writer calls is called in another thread."""

    def __init__(
        self,
        *,
        worker: str,
        limit: int,
        tasks: Container[str],
        concurrency: Callable[[], int],
        after_death: AfterDeath,
    ) -> None:
        self._limit = limit
        self._tasks = tasks
        self._concurrency = concurrency
        answers = Answers(claimed=self._hear_claimed, ended=self._hear_ended, released=self._hear_released)
        self._writer = LedgerWriter(worker=worker, answers=answers, after_death=after_death)
        self._channel: Any = None
        self._hub: Any = None
        self._is_closed = False
        self._heard: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._is_called = self._is_looking = False
        #: Being claimed; claimed, or to be claimed by a child; with a child that has not begun.
        self._asked: set[Fetched] = set()
        self._waiting: deque[Fetched] = deque()
        self._given: dict[str, tuple[Fetched, float]] = {}
        self._begun: dict[str, tuple[int, float]] = {}
        self._late: set[str] = set()
        self._finishing = 0
        self._ahead = 0
        self._delivered = 0
        self._counted_at = time.monotonic()

    def start(self) -> None:
        """Begin to write, as this worker's."""
        global _current
        _current = self
        self._writer.start()

    def attach(self, channel: Any, hub: Any) -> None:
        """A connection is there: from now on messages come from this channel."""
        self._channel, self._hub = channel, hub
        # The hub forgot what was to be called when the connection broke.
        self._is_called = self._is_looking = False
        channel.lookahead = self
        self._call()

    def detach(self) -> None:
        """The connection is gone."""
        if self._channel is not None:
            with suppress(*self._channel.connection_errors):
                self._channel.qos.copies.delete()
            self._channel.lookahead = None
        self._channel = None
        self._give_up_waiting()

    def close(self) -> None:
        """Take nothing more, and give back what has not begun."""
        self._is_closed = True
        self._give_up_waiting()

    def _give_up_waiting(self) -> None:
        # Without a connection, what has a copy waits for the next.
        kept = [one for one in self._waiting if not one.is_ledgered and self._channel is None]
        given_up = [one for one in self._waiting if one not in kept]
        self._waiting = deque(kept)
        self._release(given_up)

    def after(self, pause: timedelta, work: Callable[[], None]) -> None:
        """Do something a little later."""
        self._hub.call_later(pause.total_seconds(), work)

    def end(self) -> None:
        """Write what is to be written."""
        self._writer.end()

    def is_busy(self) -> bool:
        """Whether something is to be written or given back yet."""
        return bool(self._asked or self._waiting or self._finishing or self._heard)

    def ids(self) -> list[str]:
        """What is claimed and has not begun; from any thread."""
        while True:
            try:
                return [*(one.id for one in self._waiting), *self._given]
            except RuntimeError:
                continue  # the loop changed them meanwhile

    def room(self) -> int:
        """How many more messages to take, once it is worth asking for them."""
        if self._is_closed:
            return 1
        held = len(self._asked) + len(self._waiting)
        room = self._concurrency() - self._busy() + self._ahead - held
        return 0 if held and room <= self._ahead // 2 else max(room, 0)

    def take(self, queue: str, place: str, raws: Iterable[bytes]) -> None:
        """Take messages from the broker: claim those of the ledger, and hand over the others."""
        strange, asked, others = [], [], []
        for raw in raws:
            fetched = self._fetched(queue, place, raw)
            if fetched is None:
                strange.append(raw)
            elif fetched.is_ledgered:
                asked.append(fetched)
            else:
                others.append(fetched)
        # Noted first: what goes wrong from here on must lose none of them.
        self._asked.update(asked)
        self._waiting.extend(others)
        self._call()
        if asked:
            self._writer.claim(asked)
        if others:
            self._channel.qos.copies.write([one.document for one in others])
        for raw in strange:
            self._deliver_at_once(queue, raw)

    def _deliver_at_once(self, queue: str, raw: bytes) -> None:
        try:
            compat.deliver(self._channel, envelope.read(raw), queue=queue)
        except NotAMessage as problem:
            quarantine.add(raw, queue=queue, problem=str(problem))

    def _fetched(self, queue: str, place: str, raw: bytes) -> Fetched | None:
        """What can wait here; None for all else, of which Celery is to make what it can."""
        with suppress(NotAMessage):
            return self._of_document(envelope.read(raw), queue=queue, place=place, raw=raw)
        return None

    def _of_document(self, document: Any, *, queue: str, place: str, raw: bytes) -> Fetched | None:
        headers = document.get("headers") if isinstance(document, dict) and not self._is_closed else None
        if not isinstance(headers, dict) or headers.get("eta") or tag_of(document) is None:
            return None
        job_id, attempt, task = headers.get("id"), headers.get("retries"), headers.get("task")
        is_known = isinstance(task, str) and task in self._tasks and is_name(job_id)
        if not is_known or type(attempt) is not int or not 0 <= attempt < MAX_ATTEMPT:
            return None
        return Fetched(
            id=str(job_id),
            attempt=attempt,
            document=document,
            queue=queue,
            place=place,
            raw=raw,
            is_ledgered=bool(headers.get(LEDGER_HEADER)),
            claimed_at=time.monotonic(),
        )

    # The writer's answers, which the loop hears.

    def _hear_claimed(self, fetched: list[Fetched]) -> None:
        self._hear(self._on_claimed, fetched)

    def _hear_ended(self, ended: list[Ended]) -> None:
        self._hear(self._on_ended, ended)

    def _hear_released(self, fetched: list[Fetched]) -> None:
        self._hear(self._on_released, fetched)

    def _hear(self, then: Callable[[Any], None], answer: Any) -> None:
        self._heard.append((then, answer))
        self._call()

    def _call(self) -> None:
        if self._hub is not None and not self._is_called:
            self._is_called = True
            self._hub.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_called = False
        while self._heard:
            then, answer = self._heard.popleft()
            then(answer)
        self.deliver()
        if not self._is_looking and self._is_any_held():
            self._is_looking = True
            self._hub.call_later(LOOK_EVERY.total_seconds(), self._look)

    def _on_claimed(self, fetched: list[Fetched]) -> None:
        self._asked.difference_update(fetched)
        if self._is_closed:
            self._release(fetched)
        else:
            self._waiting.extend(one for one in fetched if not one.is_cancelled)
            self._release([one for one in fetched if one.is_cancelled])

    def _on_ended(self, ended: list[Ended]) -> None:
        self._finishing -= len(ended)
        for one in ended:
            one.request.on_finished()
        for one in ended:
            one.request.tell_success(result=one.left.shown, seconds=one.seconds)

    def _on_released(self, fetched: list[Fetched]) -> None:
        for one in fetched:
            if one.problem is not None:
                quarantine.add(one.raw, queue=one.queue, problem=one.problem)
        if self._channel is None:
            return
        good = [(one.place, one.raw) for one in fetched if one.problem is None]
        if good:
            self._channel.give_back(good)
        copied = (tag_of(one.document) for one in fetched if not one.is_ledgered)
        self._channel.qos.copies.delete(*filter(None, copied))

    # Handing to the children.

    def _busy(self) -> int:
        return compat.reserved_count() - self._finishing

    def deliver(self) -> None:
        """Hand what waits to children that are free."""
        if self._channel is None:
            return
        free = self._concurrency() - self._busy()
        while self._waiting and free > 0:
            self._hand(self._waiting.popleft())
            self._delivered += 1
            free = self._concurrency() - self._busy()
        self._keep_pace()

    def _hand(self, fetched: Fetched) -> None:
        if fetched.claim is not None:
            if time.monotonic() - fetched.claimed_at > RELEASE_AFTER.total_seconds():
                self._release([fetched])
                return
            self._given[fetched.id] = fetched, time.monotonic()
        try:
            with handing(fetched):
                compat.deliver(self._channel, fetched.document, queue=fetched.queue)
        except NotAMessage as problem:
            fetched.problem = str(problem)
            self._given.pop(fetched.id, None)
            # Quarantined once that is written: who counts what cannot be read does so by a claim of its own.
            self._release([fetched])

    def _keep_pace(self) -> None:
        now = time.monotonic()
        if now - self._counted_at < PACE_PERIOD.total_seconds():
            return
        pace = self._delivered / (now - self._counted_at)
        self._ahead = min(int(pace * AHEAD.total_seconds()), self._limit)
        self._counted_at, self._delivered = now, 0

    # What requests tell.

    def on_begun(self, request: Any, *, at: float) -> None:
        """A child has begun a job that was claimed here (monotonic time)."""
        given = self._given.pop(request.id, None)
        if given is not None and given[0].claim is not None:
            self._begun[request.id] = given[0].claim.fence, at

    def on_finishing(self, request: Any, left: Left, *, seconds: float) -> None:
        """A child has left its finish to be written."""
        self.on_ended(request)
        self._finishing += 1
        self._writer.finish(Ended(request=request, left=left, seconds=seconds))

    def on_ended(self, request: Any) -> None:
        """A child is free."""
        self._given.pop(request.id, None)
        self._begun.pop(request.id, None)
        self._call()

    def drop(self, job_id: str) -> bool:
        """Whether a job was waiting here, which now is not to begin any more."""
        for asked in self._asked:
            asked.is_cancelled |= asked.id == job_id
        found = next((one for one in self._waiting if one.id == job_id), None)
        if found is not None:
            self._waiting.remove(found)
            # Nothing, where it is cancelled; otherwise it goes back.
            self._release([found])
            return True
        requests = [one for one in compat.reserved_requests() if one.id == job_id and job_id in self._given]
        for request in requests:
            request.is_to_stop = True
        return bool(requests)

    # What takes too long.

    def _is_any_held(self) -> bool:
        return bool(self._waiting or self._given or self._begun)

    def _look(self) -> None:
        self._is_looking = False
        now = time.monotonic()
        self._release_old(now)
        self._release_lost(now)
        noted = {
            job_id: begun for job_id, begun in self._begun.items() if _is_over(begun[1], NOTED_AFTER, now)
        }
        for job_id in noted:
            del self._begun[job_id]
        if noted:
            self._writer.note_begun((job_id, *begun) for job_id, begun in noted.items())
        self._call()

    def _release_old(self, now: float) -> None:
        old = [one for one in self._waiting if _is_over(one.claimed_at, RELEASE_AFTER, now)]
        if old:
            self._ahead = 0
            for one in old:
                self._waiting.remove(one)
            self._release(old)

    def _release_lost(self, now: float) -> None:
        late = {job_id for job_id, (_, at) in self._given.items() if _is_over(at, LOST_AFTER, now)}
        # At the second look alone: what a child has said meanwhile was read between the two.
        for job_id in late & self._late:
            self._writer.release([self._given.pop(job_id)[0]], offer=False)
        self._late = late

    def _release(self, fetched: Iterable[Fetched]) -> None:
        claimed = [one for one in fetched if one.claim is not None]
        unclaimed = [one for one in fetched if one.claim is None]
        if claimed:
            self._writer.release(claimed, offer=self._channel is not None)
        if unclaimed:
            self._on_released(unclaimed)


def _is_over(since: float, limit: timedelta, now: float) -> bool:
    return now - since > limit.total_seconds()
