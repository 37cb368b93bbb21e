"""The tables of the ledger. The hot path (`app.jobs.ledger.store`) writes them without the ORM."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of


class State(StrEnum):
    """What became of a job so far."""

    SCHEDULED = "scheduled"  # waits for `run_at`; with no `run_at`, for the chain that leads to it
    READY = "ready"  # due: published to the broker, or about to be
    RUNNING = "running"  # claimed by a worker, under a lease
    DONE = "done"
    DEAD = "dead"  # will not be retried by itself
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the job will change no more by itself."""
        return self in TERMINAL


TERMINAL = frozenset({State.DONE, State.DEAD, State.CANCELLED})


class Outcome(StrEnum):
    """How one attempt ended."""

    DONE = "done"
    RETRIED = "retried"  # failed, and the job will run again
    FAILED = "failed"  # failed, and the job is dead
    LOST = "lost"  # its worker died or was not heard of
    RELEASED = "released"  # given back by a stopping worker; does not count
    CANCELLED = "cancelled"


#: Jobs that are to be sent as soon as their queue has room.
WAITING = "state = 'ready' AND published_at IS NULL AND partition IS NULL"
#: Of a partition: jobs that are held until it is their turn, and those that are on their way or run.
HELD = "state = 'ready' AND published_at IS NULL"
ADMITTED = "state IN ('ready', 'running') AND published_at IS NOT NULL"
#: Jobs that change no more by themselves, the others, and those that are to end unless somebody begins them.
ENDED = "state IN ('done', 'dead', 'cancelled')"
OPEN = "state IN ('scheduled', 'ready', 'running')"
EXPIRING = "state IN ('scheduled', 'ready') AND expires_at IS NOT NULL"


def _where(condition: str, name: str, *columns: str) -> Index:
    return Index(name, *columns, postgresql_where=text(condition), sqlite_where=text(condition))


def _of_partition(name: str, *columns: str, where: str = "") -> Index:
    """An index that costs nothing where there is no partition."""
    return _where(f"partition IS NOT NULL{where}", name, "partition", *columns)


class Job(Base):
    """One accepted piece of work. `id` is also the Celery task id."""

    __tablename__ = "job"
    __table_args__ = (
        one_of(State, column="state"),
        Index("uq_job_key", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("ix_job_accepted", "accepted_at"),
        Index(
            "ix_job_due",
            "run_at",
            postgresql_where=text("state = 'scheduled'"),
            sqlite_where=text("state = 'scheduled'"),
        ),
        # The last two are for lists, which find those of a task or a time without reading the rows of all.
        _where("state = 'ready'", "ix_job_ready", "queue", "priority", "published_at", "accepted_at", "task"),
        Index(
            "ix_job_lease",
            "lease_until",
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
        Index(
            "ix_job_finished",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL"),
            sqlite_where=text("finished_at IS NOT NULL"),
        ),
        # Lists of one state, and of what has ended of a task or queue: not to be looked for among all others.
        # In one index for all states, the planner sees no reason to go to one that most jobs have.
        _where(ENDED, "ix_job_ended", "state", "accepted_at"),
        _where(OPEN, "ix_job_open", "state", "accepted_at"),
        _where(ENDED, "ix_job_ended_task", "task", "accepted_at"),
        _where(ENDED, "ix_job_ended_queue", "queue", "accepted_at"),
        _where(EXPIRING, "ix_job_expires", "expires_at"),
        Index(
            "ix_job_group",
            "group_id",
            postgresql_where=text("group_id IS NOT NULL"),
            sqlite_where=text("group_id IS NOT NULL"),
        ),
        # The next ones of a queue, however many wait.
        _where(WAITING, "ix_job_waiting", "queue", "priority", "accepted_at"),
        _of_partition("ix_job_held", "priority", "accepted_at", where=f" AND {HELD}"),
        _of_partition("ix_job_admitted", where=f" AND {ADMITTED}"),
        _of_partition("ix_job_started", "started_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    args: Mapped[list[Any]] = mapped_column(JSON)
    kwargs: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Celery's options of the message: chain, chord, callbacks, headers, limits. Null for a plain job.
    options: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Idempotency key: accepting the same key again is the same as once.
    key: Mapped[str | None] = mapped_column(Text)
    #: SHA-256 of what was asked for under `key`, to tell a repeat from a mistake.
    digest: Mapped[str | None] = mapped_column(Text)
    #: Log context carried along: the request id and the token's name.
    context: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    group_id: Mapped[str | None] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    run_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    #: Attempts that count: claims, less those given back.
    attempt: Mapped[int]
    #: Null means without end.
    max_attempts: Mapped[int | None]
    #: Jobs of a limited task that share its limits; null for any other.
    partition: Mapped[str | None] = mapped_column(Text)
    #: Grows with every claim; a finisher with an older fence is refused.
    fence: Mapped[int]
    worker: Mapped[str | None] = mapped_column(Text)
    release: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Attempt(Base):
    """An attempt that ended in another way than done; the last one is on the job itself."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_finished", "finished_at"),
        _of_partition("ix_attempt_started", "started_at"),
    )

    job_id: Mapped[str] = mapped_column(Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str | None] = mapped_column(Text)
    release: Mapped[str | None] = mapped_column(Text)
    partition: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    traceback: Mapped[str | None] = mapped_column(Text)


class Turn(Base):
    """A call that a partition's rate counts though no job was admitted for it. Old ones are swept."""

    __tablename__ = "turn"
    __table_args__ = (Index("ix_turn_taken", "partition", "taken_at"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    partition: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[datetime]


class JobGroup(Base):
    """A group of jobs: its saved result tree, and for a chord the body and how many parts are missing."""

    __tablename__ = "job_group"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    children: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    body: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    remaining: Mapped[int | None]
    created_at: Mapped[datetime]


class JobUnique(Base):
    """The job that stands for all others which ask for the same; see `app.jobs.unique`."""

    __tablename__ = "job_unique"
    __table_args__ = (Index("ix_job_unique_job_id", "job_id"),)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Not a foreign key: the key is taken before the job is inserted.
    job_id: Mapped[str] = mapped_column(Text)
    #: It stands for them until then, once it is done; null where only its state counts.
    until: Mapped[datetime | None]


class JobSearchKey(Base):
    """A value by which a job is found; see `app.jobs.declaration.search`. It goes with its job."""

    __tablename__ = "job_search_key"
    __table_args__ = (Index("ix_job_search_key_job_id", "job_id"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    #: A keyed hash of it.
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    #: The job's own, so that one index has the newest with a key in their order.
    accepted_at: Mapped[datetime] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)


class Worker(Base):
    """A worker process group that was heard of."""

    __tablename__ = "worker"

    #: Celery's node name and a random part that is new with every start.
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    node: Mapped[str] = mapped_column(Text)
    release: Mapped[str] = mapped_column(Text)
    concurrency: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    #: How often it says that it lives; null where only its leases tell.
    beat_seconds: Mapped[float | None] = mapped_column(Float)
    #: Whether it takes no more jobs, and only keeps or has left those that it holds.
    signed_off: Mapped[bool] = mapped_column(default=False, server_default=false())


class JobStat(Base):
    """Finished work, summed for the metrics; filled by beat, kept when jobs are pruned."""

    __tablename__ = "job_stat"

    task: Mapped[str] = mapped_column(Text, primary_key=True)
    queue: Mapped[str] = mapped_column(Text, primary_key=True)
    #: `run` or `wait` for a histogram bucket, else the name of a counter.
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Upper bound of the bucket in seconds; the counter's label otherwise.
    bucket: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float)
