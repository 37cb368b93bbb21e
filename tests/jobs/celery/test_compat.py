"""What is used of the inside of Celery, kombu and billiard is there, is called as it wants, and does it."""

# mypy: disable-error-code="attr-defined"
# (the stubs of these libraries leave such names out)

from __future__ import annotations

import contextlib
import inspect
import json
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from billiard.pool import Worker
from celery.app.task import Context
from celery.backends.base import Backend, BaseKeyValueStoreBackend
from celery.concurrency.asynpool import AsynPool, ResultHandler
from celery.exceptions import WorkerShutdown
from celery.utils.collections import AttributeDict
from celery.worker import control as worker_control
from celery.worker import state as worker_state
from kombu import Consumer, Exchange, Queue
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from app.celery_app import celery_app
from app.db.sessions import transaction, using
from app.jobs.celery import compat
from app.jobs.celery.application import make_celery
from app.jobs.celery.backend import LedgerBackend
from app.jobs.celery.transport.broker import Channel
from app.jobs.ledger.models import State
from app.settings.config import settings
from app.worker.pools import pipes
from app.worker.pools.prefork import WatchedPool
from tests.checkout import ROOT
from tests.jobs.running import job_of, jobs_named
from tests.sample import tasks
from tests.servers import RedisServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.jobs.celery.compat import Internal


#: What overrides a library's class, and what is called of that.
OVERRIDING: dict[Any, tuple[Any, Any]] = {
    AsynPool: (WatchedPool, AsynPool),
    ResultHandler: (pipes.Answers, ResultHandler),
    Worker: (pipes.Child, Worker),
    Backend: (LedgerBackend, BaseKeyValueStoreBackend),
    kombu_redis.Channel: (Channel, kombu_redis.Channel),
}

# That each is there, or is missed at the start.


def test_the_installed_libraries_have_every_name() -> None:
    compat.check()


@pytest.mark.parametrize("internal", [*compat.USED, *compat.OVERRIDDEN], ids=lambda internal: internal.path)
def test_each_that_is_missing_is_noticed(internal: Internal, monkeypatch: pytest.MonkeyPatch) -> None:
    if internal.found_in is None:
        monkeypatch.delattr(internal.owner, internal.name)
    else:
        monkeypatch.setattr(internal.owner, internal.found_in, lambda: None)
    # The first of those that one method has is named.
    method = internal.found_in or internal.name
    missing = {
        one.name
        for one in (*compat.USED, *compat.OVERRIDDEN)
        if one.owner is internal.owner and method in (one.found_in, one.name)
    }
    with pytest.raises(compat.MissingInternal, match="|".join(missing)):
        compat.check()


@pytest.mark.databases("sqlite")
def test_a_worker_does_not_start_without_one_and_says_so_in_one_sentence(environment: dict[str, str]) -> None:
    program = (
        "import sys; from kombu.transport.redis import Channel; del Channel._flush_brpop_reauth; "
        "from app.celery_command import main; sys.exit(main(['worker']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 78, done.stderr
    [sentence] = done.stderr.splitlines()
    assert "has no kombu.transport.redis.Channel._flush_brpop_reauth. Install" in sentence


# That they are called as they want.


@pytest.mark.parametrize(
    ("called", "arguments"),
    [
        (Backend._fail_chain, ("self", "chain", "error")),
        (Backend._call_task_errbacks, ("self", "request", "error", "traceback")),
        (kombu_redis.Channel._queue_bind, ("self", "exchange", "key", "pattern", "queue")),
        (kombu_redis.Channel._refresh_bindings, ("self", "queues")),
        (kombu_redis.Channel._flush_brpop_reauth, ("self",)),
        (kombu_redis.Channel._deliver_fanout_message, ("self", "message", "exchange")),
        (
            kombu_redis.Channel._do_restore_message,
            ("self", "raw", "exchange", "key", "pipeline", "leftmost"),
        ),
        (virtual.Transport._deliver, ("self", "document", "queue")),
        (AsynPool._track_child_process, ("self", "proc", "hub")),
        (worker_control.revoke, ("state", "ids", "terminate", "signal")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_called_takes_what_it_is_given(called: Any, arguments: tuple[str, ...]) -> None:
    inspect.signature(called).bind(*arguments)


@pytest.mark.parametrize("internal", compat.OVERRIDDEN, ids=lambda internal: internal.name)
def test_what_is_overridden_takes_what_its_library_gives(internal: Internal) -> None:
    ours, theirs = OVERRIDING[internal.owner]
    own, original = getattr(ours, internal.name), getattr(theirs, internal.name)
    assert own is not original
    if not callable(original):  # a script, made when it is first asked for
        inspect.signature(own).bind("self", keys=[], args=[], client=None)
        return
    given = inspect.signature(original).parameters.values()
    positional = [one.name for one in given if one.kind is one.POSITIONAL_OR_KEYWORD]
    inspect.signature(own).bind(*positional)
    named = {one.name: None for one in given if one.default is not one.empty}
    inspect.signature(own).bind(*(name for name in positional if name not in named), **named)


# That each does what it is used for: the result backend.


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("database")
def test_the_rest_of_a_chain_fails_with_its_error() -> None:
    rest = tasks.echo.s().set(task_id=str(uuid.uuid4()))
    with transaction() as session, using(session):
        compat.fail_chain(celery_app.backend, [dict(rest)], ValueError("broken"))
    job = job_of(rest.options["task_id"])
    assert (job.state, job.error) == (State.DEAD, "ValueError: broken")


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("database")
def test_an_errback_is_sent_with_the_id_of_what_failed() -> None:
    request = Context({"id": "it", "errbacks": [tasks.total.s()], "delivery_info": {}})
    compat.call_errbacks(celery_app.backend, request, ValueError("broken"), None)
    [job] = jobs_named("sample.total")
    assert job.args == ["it"]


# The transport.


@pytest.fixture
def channel(configure: object, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A channel to an empty Redis."""
    assert configure
    monkeypatch.setenv("GROUNDWORK_REDIS_URL", redis_url)
    settings.cache_clear()
    with make_celery(settings()).connection_for_read() as connection:
        yield connection.default_channel


def drain(channel: Any, until: Callable[[], Any], *, what: str) -> None:
    def step() -> Any:
        with contextlib.suppress(TimeoutError):
            channel.connection.client.drain_events(timeout=0.1)
        return until()

    wait_until(step, seconds=5, what=what)


def send(channel: Any) -> None:
    producer = channel.connection.client.Producer()
    producer.publish([[], {}, {}], routing_key="default", headers={"task": "x.y", "id": "1"})


def waiting_in(server: RedisServer) -> bytes:
    """The one message on any of the lists of the queue."""
    client = server.client()
    [name] = client.keys(f"{settings().redis_prefix}default*")
    raw: Any = client.lindex(name, 0)
    return bytes(raw)


def test_a_message_is_polled_for_delivered_held_and_pushed_back(
    channel: Any, redis_server: RedisServer
) -> None:
    taken: list[Any] = []
    queue = Queue("default", Exchange(""))
    assert compat.poll_began(channel) is None
    with Consumer(channel, [queue], on_message=taken.append, accept=["json"]):
        before = time.monotonic()
        drain(channel, lambda: compat.poll_began(channel), what="the channel asks for a message")
        assert before <= (compat.poll_began(channel) or 0) <= time.monotonic()
        send(channel)
        drain(channel, lambda: taken, what="a message comes")
    [message] = taken
    assert dict(compat.held(channel.qos)) == {message.delivery_tag: message}
    with channel.conn_or_acquire() as client:
        pipeline = client.pipeline()
        compat.push_back(message, channel=channel, pipeline=pipeline, leftmost=True)
        pipeline.execute()
    assert b'"redelivered": true' in waiting_in(redis_server)


def test_a_poll_that_is_ended_is_not_open_and_its_queue_comes_last(channel: Any) -> None:
    asked = [Queue(name, Exchange("")) for name in ("default", "banking")]
    cycle = channel._queue_cycle = kombu_redis.cycle_by_name("round_robin")()
    with Consumer(channel, asked, accept=["json"]):
        drain(channel, lambda: compat.poll_began(channel), what="the channel asks for a message")
        compat.end_poll(channel, queue="default")
        assert compat.poll_began(channel) is None
        assert cycle.consume(2) == ["banking", "default"]
        channel.client.connection.disconnect()  # with the request that nobody reads the answer to


def test_connections_are_made_with_what_the_settings_say(channel: Any) -> None:
    given = compat.connection_parameters(channel, asynchronous=False)
    assert (given["socket_timeout"], given["socket_connect_timeout"]) == (15, 5)


def test_a_binding_is_noted_where_senders_look(channel: Any) -> None:
    compat.bind_queue(channel, "letters", "a", "", "inbox")
    assert channel.get_table("letters") == [("a", "", "inbox")]


def test_the_binding_of_a_queue_with_an_expiry_is_noted_anew(channel: Any) -> None:
    queue = Queue("inbox", Exchange("letters"), routing_key="a", expires=60)
    with Consumer(channel, [queue], accept=["json"]):
        channel.client.delete(channel.keyprefix_queue % "letters")
        compat.refresh_bindings(channel, ["inbox"])
        assert channel.get_table("letters") == [("a", "", "inbox")]


def test_a_broadcast_reaches_its_consumer(channel: Any, redis_server: RedisServer) -> None:
    taken: list[Any] = []
    queue = Queue("inbox", Exchange("news", type="fanout"))
    with Consumer(channel, [queue], on_message=taken.append, accept=["json"]):
        send(channel)
        assert compat.deliver_broadcast(channel, json.loads(waiting_in(redis_server)), "news")
    [message] = taken
    assert message.headers["id"] == "1"


# The worker.


class Request:
    """What Celery keeps of a message, as far as its sets go."""

    id = "it"


def test_what_celery_notes_of_a_worker_is_read() -> None:
    request = Request()
    worker_state.active_requests.add(request)
    worker_state.reserved_requests.add(request)
    assert request in compat.running_requests()
    reserved = compat.reserved_count()
    worker_state.reserved_requests.discard(request)
    assert compat.reserved_count() == reserved - 1


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("database")
def test_a_task_is_revoked_and_the_revocation_forgotten() -> None:
    compat.revoke(AttributeDict(app=celery_app), ["it"], terminate=False, signal=None)
    assert "it" in worker_state.revoked
    compat.forget_revoked("it")
    assert "it" not in worker_state.revoked


def test_the_event_loop_is_left_where_celery_looks_whether_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_state, "should_stop", None)
    worker_state.maybe_shutdown()
    compat.leave_loop()
    with pytest.raises(WorkerShutdown):
        worker_state.maybe_shutdown()


def test_a_worker_that_ends_cold_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_state, "should_terminate", None)
    assert not compat.ends_cold()
    monkeypatch.setattr(worker_state, "should_terminate", True)
    assert compat.ends_cold()


def test_a_child_knows_that_it_was_told_to_end() -> None:
    program = (
        "import os\n"
        "from billiard import common\n"
        "from app.jobs.celery import compat\n"
        "common.reset_signals()\n"
        "before = compat.is_terminating()\n"
        "try:\n"
        "    os.kill(os.getpid(), common.TERM_SIGNAL)\n"
        "except SystemExit:\n"
        "    print(before, compat.is_terminating())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False True\n", done.stderr
