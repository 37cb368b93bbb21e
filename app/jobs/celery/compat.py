"""What is used of Celery, kombu and billiard beyond what they promise to keep, and why.

No other file touches such a name. A release of theirs that lacks one is refused at the start.
"""

# mypy: disable-error-code="attr-defined"
# (the stubs of these libraries leave such names out)

from __future__ import annotations

import logging
import weakref
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from billiard import common
from billiard.pool import Worker
from billiard.queues import _SimpleQueue
from celery import platforms
from celery.app import trace
from celery.backends.base import Backend
from celery.concurrency.asynpool import AsynPool, ResultHandler
from celery.platforms import EX_OK
from celery.worker import control as worker_control
from celery.worker import request as worker_request
from celery.worker import state as worker_state
from celery.worker import strategy as worker_strategy
from celery.worker.consumer import Consumer
from kombu.message import Message
from kombu.transport import virtual
from kombu.transport.redis import Channel, MultiChannelPoller, QoS

from app.jobs.broker.redis import DRIVER
from app.settings.sources import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence


class MissingInternal(ConfigError):
    """Raised at the start for a library that has no longer what is used of its inside."""

    code = "missing_internal"

    def __init__(self, internal: Internal) -> None:
        library = internal.library
        super().__init__(
            f"Refusing to start: {library} {version(library)} has no {internal.path}. Install the release of "
            f"{library} that this release of Groundwork is locked to (requirements.txt), or adapt "
            "app/jobs/celery/compat.py."
        )


@dataclass(frozen=True, kw_only=True)
class Internal:
    """A name that may change without a word."""

    owner: Any
    name: str
    reason: str
    #: The method of `owner` that sets or calls it, for what the class itself does not define.
    found_in: str | None = None

    @property
    def library(self) -> str:
        """The distribution it belongs to."""
        return self._module.partition(".")[0]

    @property
    def path(self) -> str:
        """The whole name."""
        own = "" if isinstance(self.owner, ModuleType) else f".{self.owner.__qualname__}"
        return f"{self._module}{own}.{self.name}"

    @property
    def _module(self) -> str:
        return str(self.owner.__name__ if isinstance(self.owner, ModuleType) else self.owner.__module__)

    def exists(self) -> bool:
        """Whether the installed library has it."""
        if self.found_in is None:
            return hasattr(self.owner, self.name)
        method = getattr(self.owner, self.found_in, None)
        return method is not None and self.name in _names_in(method.__code__)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _of(owner: Any, found_in: str | None = None, /, **reasons: str) -> Iterator[Internal]:
    for name, reason in reasons.items():
        yield Internal(owner=owner, name=name, reason=reason, found_in=found_in)


#: What the functions below use.
USED = (
    *_of(
        Backend,
        _fail_chain="Celery fails the rest of a chain only where it stores the failure itself.",
        _call_task_errbacks="Celery calls errbacks only where it stores the failure itself.",
        _get_result_meta="A result that is written for clients elsewhere has the form that Celery gives it.",
    ),
    *_of(
        Channel,
        _q_for_pri="The lists of a queue.",
        _brpop_sent_at="A worker that ends waits for the answer to its last request for a message.",
        _in_poll="Whoever reads the answer to a request for a message says that it is answered.",
        _flush_brpop_reauth="A renewed password is sent between two requests, when whoever reads says so.",
        _connparams="What a closed connection lacks is looked for here.",
        _deliver_fanout_message="Garbage in a broadcast is noticed here.",
        _do_restore_message="A message goes back without the copy that kombu would look for.",
        _queue_bind="A full Redis takes no notes of bindings, and a worker can do without.",
        _refresh_bindings="As `_queue_bind`.",
    ),
    *_of(Channel, "__init__", _queue_cycle="The queue that gave a message comes last in the next request."),
    *_of(MultiChannelPoller, "__init__", _chan_to_sock="A loop is told of a socket once."),
    *_of(
        virtual.Transport,
        _deliver="A message that was read here is handed to its consumer.",
        _reject_inbound_message="A message that was asked for before its queue was paused goes back.",
    ),
    *_of(
        virtual.QoS, _delivered="How a message is acknowledged depends on the message; only its tag is given."
    ),
    *_of(Message, "decode", _decoded_cache="A body that was read here is not read again."),
    *_of(
        QoS,
        "__init__",
        _vrestore_count="Lost messages are not looked for at each call that may look for them.",
    ),
    *_of(virtual.Message, "__init__", _raw="A message goes back as it came, and not as it was decoded."),
    *_of(
        worker_state,
        active_requests="The leases of what runs are renewed, and a cancelled attempt is stopped.",
        reserved_requests="A worker that ends waits for what it has taken.",
        revoked="An id that is kept there would be refused after a retry, too.",
        should_stop="Celery's warm shutdown, on a signal, would not acknowledge what ends.",
        should_terminate="A child that was ended because the worker stops is no lost one.",
    ),
    *_of(
        AsynPool,
        "_untrack_child_process",
        _sentinel_poll="By what is readable here, the pool knows that a child has ended.",
    ),
    *_of(
        AsynPool,
        "__init__",
        _all_inqueues="The pipes of children that take orders.",
        _active_writes="Those that an order is being written to.",
        _busy_workers="Those whose child runs something.",
        _fileno_to_inq="Whose pipe it is.",
    ),
    *_of(
        AsynPool,
        "_create_write_handlers",
        _cache="What was given to the pool and has not ended.",
        _payload="An order that is put back is written once more.",
        _write_to="Whose child it was given to, should that die.",
        _scheduled_for="As `_write_to`.",
        _quick_put="How an order is given to a child.",
    ),
    *_of(
        _SimpleQueue,
        "__init__",
        _reader="What a child reads is read in one call.",
        _writer="What a child writes is written in one call.",
    ),
    *_of(
        trace,
        fast_trace_task="What a child runs a task by.",
        LOG_RECEIVED="What is said of a message that was claimed before it is delivered.",
    ),
    *_of(worker_strategy, logger="As `LOG_RECEIVED`."),
    *_of(
        worker_request,
        create_request_cls="Makes a subclass of a request for each task, whose methods go before ours.",
        task_ready="A request whose finish was written has ended.",
    ),
    *_of(worker_request.Request, _apply_result="A cancelled request is looked up in the pool by its result."),
    *_of(Consumer, _limit_task="A request that was made here heeds a rate limit that was set by a command."),
    *_of(worker_control, revoke="Cancels what the ledger does not know, as Celery does."),
    *_of(
        platforms,
        "set_pdeathsig",
        _set_pdeathsig="Asks the kernel by a parser of C, which each child would load for this one call.",
    ),
    *_of(
        common,
        TERM_SIGNAL="The signal that billiard ends a child by.",
        terminate_handler_fired="Tells a `SystemExit` of a stopping worker from that of a body.",
    ),
)

#: What our classes define in the place of theirs.
OVERRIDDEN = (
    *_of(
        Backend,
        _call_task_errbacks="What goes wrong in an errback must not undo the death that it is called for.",
        _forget="The result goes, the job stays on record.",
    ),
    *_of(
        Backend,
        "store_result",
        _store_result="Takes reports of progress, and Celery's of jobs that it will not send.",
    ),
    *_of(Backend, "get_task_meta", _get_task_meta_for="What `AsyncResult` reads is the row."),
    *_of(Backend, "save_group", _save_group="Groups are kept in the ledger."),
    *_of(Backend, "get_group_meta", _restore_group="As `_save_group`."),
    *_of(Backend, "delete_group", _delete_group="As `_save_group`."),
    *_of(
        Channel,
        _get_client="Commands that are sent together are no transaction, which a full Redis refuses whole.",
        _connparams="A connection that is closed is a connection error; anything else would end the worker.",
        _brpop_start="Several messages are asked for at once.",
        _update_queue_cycle="Queues that are paused are not asked for messages.",
        _brpop_read="What is no message goes to the quarantine instead of ending the worker.",
        _deliver_fanout_message="What is no message is dropped instead of ending the worker.",
        _queue_bind="A full Redis refuses it, and must be drained all the same.",
        _refresh_bindings="As `_queue_bind`.",
        _refresh_binding="kombu's is a script, and whoever may load one may load one that never ends.",
    ),
    *_of(
        AsynPool,
        _track_child_process="A child that has ended is noticed only once it can be waited for.",
        _create_timelimit_handlers="A timer for each job stays until it would have been due.",
        _create_write_handlers="An order takes a turn of the loop, though a child is free.",
    ),
    *_of(Worker, _make_recv_method="Each order is read for itself, in two steps."),
    *_of(ResultHandler, _make_process_result="Each answer is read for itself, in four steps."),
)


def check() -> None:
    """Raise `MissingInternal` for the first name that the installed libraries do not have."""
    for internal in (*USED, *OVERRIDDEN):
        if not internal.exists():
            raise MissingInternal(internal)


# The result backend.


def fail_chain(backend: Any, chain: Any, error: Exception) -> None:
    """Fail what follows in a chain, and the chords that it belongs to."""
    backend._fail_chain(chain, error)


def call_errbacks(backend: Any, request: Any, error: Any, traceback: Any) -> None:
    """Call, or send, the errbacks of a request."""
    Backend._call_task_errbacks(backend, request, error, traceback)


# The transport.


def connection_parameters(channel: Any, *, asynchronous: bool) -> dict[str, Any]:
    """What a connection of redis-py is made with."""
    parameters: dict[str, Any] = Channel._connparams(channel, asynchronous=asynchronous)
    return parameters | {"driver_info": DRIVER}


def bind_queue(channel: Any, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
    """Note that a queue takes what is sent to an exchange."""
    Channel._queue_bind(channel, exchange, routing_key, pattern, queue)


def refresh_bindings(channel: Any, queues: Sequence[str]) -> None:
    """Note once more what queues with an expiry are bound to."""
    Channel._refresh_bindings(channel, queues)


def begin_single_poll(channel: Any, timeout: float | None) -> None:
    """Ask for one message, as kombu does."""
    Channel._brpop_start(channel, timeout)


def begin_poll(channel: Any, *, count: int) -> None:
    """Ask for up to so many messages of the first queue that has any."""
    queues = channel._queue_cycle.consume(len(channel.active_queues))
    if not queues:
        return
    prefix = channel.global_keyprefix
    keys = [prefix + channel._q_for_pri(queue, step) for step in channel.priority_steps for queue in queues]
    channel._in_poll, channel._brpop_sent_at = channel.client.connection, monotonic()
    channel._in_poll.send_command("BLMPOP", channel.brpop_timeout, len(keys), *keys, "RIGHT", "COUNT", count)


def poll_queues(channel: Any, queues: Iterable[str]) -> None:
    """Ask these alone for messages from now on."""
    channel._queue_cycle.update(queues)


def refuse(channel: Any, document: Any) -> None:
    """Send a message back to where it came from."""
    channel.connection._reject_inbound_message(document)


def poll_began(channel: Any) -> float | None:
    """When the request for a message was sent that is not answered yet (monotonic time)."""
    if not getattr(channel, "_in_poll", None):  # one of another transport asks otherwise
        return None
    return channel._brpop_sent_at or 0.0


def end_poll(channel: Any, *, queue: str | None) -> None:
    """The request for a message is answered: with one of `queue`, or without any."""
    if queue is not None:
        channel._queue_cycle.rotate(queue)
    channel._in_poll = None
    channel._flush_brpop_reauth()


def polled(cycle: Any) -> list[tuple[int, Any]]:
    """The descriptors that an event loop is to look at for a transport, and their sockets."""
    sockets = {socket.fileno(): socket for socket in cycle._chan_to_sock.values()}
    return [(fd, sockets.get(fd)) for fd in cycle.fds]


def deliver(channel: Any, document: Any, *, queue: str) -> None:
    """Hand a message to the consumer of its queue."""
    channel.connection._deliver(document, queue)


def keep_payload(message: Any, payload: Any) -> None:
    """Spare kombu the reading of a message's body."""
    message._decoded_cache = payload


def deliver_broadcast(channel: Any, message: Any, exchange: str) -> bool:
    """Hand a broadcast to its consumer."""
    return bool(Channel._deliver_fanout_message(channel, message, exchange))


def held(qos: Any) -> MutableMapping[str, Any]:
    """What was delivered and not acknowledged, by tag."""
    messages: MutableMapping[str, Any] = qos._delivered
    return messages


def is_look_due(qos: Any, *, interval: int) -> bool:
    """Whether to look for lost messages at this call: at the first, and at each `interval`-th after it."""
    qos._vrestore_count += 1
    return bool((qos._vrestore_count - 1) % (interval or 1) == 0)


def push_back(message: Any, *, channel: Any, pipeline: Any, leftmost: bool) -> None:
    """Put a message onto the list that it came from, marked as delivered before."""
    to = message.delivery_info
    channel._do_restore_message(message._raw, to["exchange"], to["routing_key"], pipeline, leftmost)


# Results.


def result_meta(
    backend: Any, result: Any, *, state: str, traceback: str | None, request: Any
) -> dict[str, Any]:
    """What a plain result store holds of a task that has ended; all but `task_id`."""
    meta: dict[str, Any] = backend._get_result_meta(
        result=backend.encode_result(result, state), state=state, traceback=traceback, request=request
    )
    return meta


# The worker.


def running_requests() -> tuple[Any, ...]:
    """What the children of this worker run, from any thread."""
    while True:
        try:
            return tuple(worker_state.active_requests)
        except RuntimeError:
            continue  # the main thread took one up meanwhile


def reserved_requests() -> tuple[Any, ...]:
    """What this worker has taken, in its main thread."""
    return tuple(worker_state.reserved_requests)


def reserved_count() -> int:
    """How many messages this worker has taken, run or not."""
    return len(worker_state.reserved_requests)


def log_received(request: Any) -> None:
    """Say that a message has come, as Celery does."""
    log = worker_strategy.logger
    if log.isEnabledFor(logging.INFO):
        said = {name: getattr(request, name) for name in ("id", "name", "eta")}
        said |= {"args": request.argsrepr, "kwargs": request.kwargsrepr}
        log.info(trace.LOG_RECEIVED, said, extra={"data": said})


def start(request: Any, *, consumer: Any) -> None:
    """Have this worker run a request, at once or as fast as a rate limit of its own allows."""
    bucket = None if consumer.disable_rate_limits else consumer.task_buckets[request.task.name]
    if bucket:
        consumer._limit_task(request, bucket, 1)
        return
    worker_state.task_reserved(request)
    consumer.on_task_request(request)


def trace_task(*args: Any, **options: Any) -> tuple[int, Any, float]:
    """Run a task in a child: whether it failed, its result as text or what went wrong, and seconds."""
    outcome: tuple[int, Any, float] = trace.fast_trace_task(*args, **options)
    return outcome


#: Methods of Celery's own that it puts before those of a request's class.
QUICK_METHODS = ("execute_using_pool", "on_success")


def keep_result(request: Any, result: Any) -> None:
    """Let Celery find the pool's result when the request is cancelled."""
    request._apply_result = weakref.ref(result) if result is not None else None


def end_request(request: Any) -> None:
    """A request has ended well; Celery would remember its id, though nobody asks for it."""
    worker_request.task_ready(request)


def forget_revoked(task_id: str) -> None:
    """Let the task run though it was revoked."""
    # Looked up first, because to discard orders the whole set by age, and most are not in it.
    if task_id in worker_state.revoked:
        worker_state.revoked.discard(task_id)


def revoke(state: Any, task_ids: list[str], *, terminate: bool, signal: str | None, **options: Any) -> None:
    """Have this worker refuse the tasks, and with `terminate` stop those it runs."""
    worker_control.revoke(state, task_ids, terminate, signal, **options)


def ends_cold() -> bool:
    """Whether this worker is ending its children instead of waiting for them."""
    return bool(worker_state.should_terminate)


def leave_loop() -> None:
    """Have the event loop of this worker end."""
    worker_state.should_stop = EX_OK  # type: ignore[assignment]


def stop_child(pool: Any, pid: int) -> None:
    """End a child of the pool, which then is replaced."""
    pool.terminate_job(pid, common.TERM_SIGNAL)


def end_with_parent_by(ask: Callable[[int], None]) -> None:
    """Have `ask` tell the kernel by which signal a child ends when its worker does."""
    platforms._set_pdeathsig = ask


def is_watched(process: Any) -> bool:
    """Whether the pool has something by which it knows the end of this child, or had it until that ended."""
    return hasattr(process, "_sentinel_poll")


def watch(process: Any, *, by: int) -> None:
    """Let the pool know the end of this child by a descriptor, which it closes after that."""
    process._sentinel_poll = by


def wait_for_end(pool: Any, process: Any, hub: Any) -> None:
    """Have the pool see to its children once this one has ended."""
    AsynPool._track_child_process(pool, process, hub)


def reading_end(queue: Any) -> int:
    """The descriptor by which a child reads from a queue."""
    return int(queue._reader.fileno())


def writing_end(queue: Any) -> int:
    """The descriptor by which a child writes to a queue."""
    return int(queue._writer.fileno())


def create_write_handlers(
    pool: Any, hub: Any, *constants: Any, put: Callable[[Any], None], **named: Any
) -> None:
    """As Celery's, but orders are given to children by `put`."""
    AsynPool._create_write_handlers(pool, hub, *constants, **named)
    pool._quick_put = put


def result_of(pool: Any, order: Any, *, header: bytes, body: bytes) -> Any:
    """The pool's result of an order, which knows by what bytes it is given."""
    result = pool._cache[order[1][0]]
    result._payload = memoryview(header), memoryview(body), len(body)
    return result


def free_child(pool: Any) -> int | None:
    """The pipe of a child that runs nothing."""
    taken, written = pool._busy_workers, pool._active_writes
    return next((fd for fd in pool._all_inqueues if fd not in taken and fd not in written), None)


def note_written(pool: Any, result: Any, fd: int) -> None:
    """Note that a child was given an order."""
    child = pool._fileno_to_inq[fd]
    result._write_to = result._scheduled_for = child
    pool._busy_workers.add(fd)
    pool.write_stats[child.index] += 1


def is_terminating() -> bool:
    """Whether this child was told to end by its worker."""
    return bool(common.terminate_handler_fired())
