"""What a worker has claimed beyond what its children run: as much as they begin within a moment."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.jobs.celery import compat
from app.jobs.celery.batches.fetching import as_fetched
from app.jobs.celery.batches.given import Given, is_over
from app.jobs.celery.batches.pace import Pace
from app.jobs.celery.batches.writer import Answers, Ended, LedgerWriter
from app.jobs.celery.pauses import known
from app.jobs.celery.transport import envelope
from app.jobs.celery.transport.copies import tag_of
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.quarantine import quarantine

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from app.jobs.celery.batches.claimed import Fetched
    from app.jobs.celery.batches.receiving import Receiver
    from app.jobs.transitions.attempt import Left
    from app.jobs.transitions.recording import AfterDeath

#: What has not begun after this goes back to the broker: the children are busy with longer jobs.
RELEASE_AFTER = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=250)

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
        self._given = Given()
        self._finishing = 0
        self._pace = Pace(limit=limit)

    def start(self) -> None:
        """Begin to write, as this worker's."""
        global _current
        _current = self
        self._writer.start()

    def attach(self, channel: Any, hub: Any, *, receiver: Receiver) -> None:
        """A connection is there: messages come from this channel, and what is claimed goes to `receiver`."""
        self._channel, self._hub, self._receiver = channel, hub, receiver
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
        self._release_waiting()

    def close(self) -> None:
        """Take nothing more, and give back what has not begun."""
        self._is_closed = True
        self._release_waiting()

    def _release_waiting(self) -> None:
        # Without a connection, what has a copy waits for the next.
        kept = [one for one in self._waiting if not one.is_ledgered and self._channel is None]
        released = [one for one in self._waiting if one not in kept]
        self._waiting = deque(kept)
        self._release(released)

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
                return [*(one.id for one in self._waiting), *self._given.ids()]
            except RuntimeError:
                continue  # the loop changed them meanwhile

    def room(self) -> int:
        """How many more messages to take, once it is worth asking for them."""
        if self._is_closed:
            return 1
        held = len(self._asked) + len(self._waiting)
        room = self._concurrency() - self._busy() + self._pace.ahead - held
        return 0 if held and room <= self._pace.ahead // 2 else max(room, 0)

    def take(self, queue: str, place: str, raws: Iterable[bytes]) -> None:
        """Take messages from the broker: claim those of the ledger, and hand over the others."""
        strange, asked, others = [], [], []
        for raw in raws:
            one = None if self._is_closed else as_fetched(raw, queue=queue, place=place, tasks=self._tasks)
            if one is None:
                strange.append(raw)
            elif one.is_ledgered:
                asked.append(one)
            else:
                others.append(one)
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
        if not self._is_looking and (self._waiting or self._given):
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
        handed = 0
        while self._waiting and self._busy() < self._concurrency():
            self._hand(self._waiting.popleft())
            handed += 1
        self._pace.count(handed)

    def _hand(self, fetched: Fetched) -> None:
        if fetched.queue in known.left_out():
            self._release([fetched])
            return
        if fetched.claim is not None and is_over(fetched.claimed_at, RELEASE_AFTER, now=time.monotonic()):
            self._release([fetched])
            return
        try:
            if fetched.claim is None:
                compat.deliver(self._channel, fetched.document, queue=fetched.queue)
            else:
                self._given.add(fetched)
                self._receiver.receive(fetched)
        except NotAMessage as problem:
            fetched.problem = str(problem)
            self._given.remove(fetched.id)
            # Quarantined once that is written: who counts what cannot be read does so by a claim of its own.
            self._release([fetched])

    # What requests tell.

    def on_begun(self, request: Any, *, at: float) -> None:
        """A child has begun a job that was claimed here (monotonic time)."""
        self._given.begin(request.id, at=at)

    def on_finishing(self, request: Any, left: Left, *, seconds: float) -> None:
        """A child has left its finish to be written."""
        self.on_ended(request)
        self._finishing += 1
        self._writer.finish(Ended(request=request, left=left, seconds=seconds))

    def on_ended(self, request: Any) -> None:
        """A child is free."""
        self._given.remove(request.id)
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

    def _look(self) -> None:
        self._is_looking = False
        self._release_old()
        self._writer.release(self._given.take_lost(), offer=False)
        self._writer.note_begun(self._given.take_to_note())
        self._call()

    def _release_old(self) -> None:
        now = time.monotonic()
        old = [one for one in self._waiting if is_over(one.claimed_at, RELEASE_AFTER, now=now)]
        if old:
            self._pace.stop()
            self._waiting = deque(one for one in self._waiting if one not in old)
            self._release(old)

    def _release(self, fetched: Iterable[Fetched]) -> None:
        claimed = [one for one in fetched if one.claim is not None]
        unclaimed = [one for one in fetched if one.claim is None]
        if claimed:
            self._writer.release(claimed, offer=self._channel is not None)
        if unclaimed:
            self._on_released(unclaimed)
