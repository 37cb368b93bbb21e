"""The users that the role gives Redis: each can do its work, and nothing else."""

from __future__ import annotations

import re
import secrets
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import redis
from kombu import Exchange, Queue
from redis.exceptions import AuthenticationError, ResponseError

from app.health.doctor import redis_server
from app.health.doctor.finding import Level
from app.jobs.broker import current
from app.jobs.celery.application import make_celery
from app.settings.config import settings
from app.settings.kinds import REDIS_PREFIX
from app.settings.sources import ConfigError
from tests.ansible.roles import read, render
from tests.fleet import run_celery, start_celery
from tests.jobs.celery.transport.test_broker import taken
from tests.jobs.running import ended
from tests.sample import tasks
from tests.servers import RedisServer, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fleet import Fleet

PASSWORDS = {
    f"redis_{user}_password": f"{user} @:/#%\"' é {secrets.token_urlsafe(24)}"
    for user in ("app", "monitor", "operator")
}
USERS = {"app": "groundwork", "monitor": "monitor", "operator": "operator"}
REFUSED = "(?i)no permissions|not allowed"
SERVICE_NEVER = (
    "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET *", "CONFIG SET save x", "DEBUG SLEEP 0", "SHUTDOWN NOSAVE",
    "ACL LIST", "SCRIPT FLUSH", "MONITOR", "CLIENT LIST", "CLIENT KILL TYPE normal", "REPLICAOF localhost 1",
    "SAVE", "SWAPDB 0 1", "GET other:key", "LPUSH other:list x", "DEL other:key", "PUBLISH other x",
    "MIGRATE localhost 1 groundwork:default 0 1", "MODULE LIST", "SLOWLOG GET",
    "EVAL while(true)do(x())end 0", "EVAL_RO return(1) 0", "EVALSHA 0 0", "SCRIPT LOAD return(1)",
    "FUNCTION LIST", "FUNCTION LOAD x", "FUNCTION RESTORE x", "FCALL x 0",
)  # fmt: skip
MONITOR_NEVER = (
    "LPUSH groundwork:default x", "DEL groundwork:default", "LRANGE groundwork:default 0 -1", "KEYS *",
    "FLUSHALL", "CONFIG GET *", "PUBLISH groundwork:x y", "SUBSCRIBE groundwork:x", "MONITOR", "SLOWLOG GET",
    "EVAL return(1) 0", "SCRIPT LOAD return(1)", "FCALL x 0",
)  # fmt: skip


@dataclass
class GuardedRedis(RedisServer):
    """A Redis with the users of the role."""

    @property
    def url(self) -> str:
        password = quote(PASSWORDS["redis_app_password"], safe="")
        return f"redis://{USERS['app']}:{password}@127.0.0.1:{self.port}/0"

    def client(self, user: str = "operator") -> Any:
        password = PASSWORDS[f"redis_{user}_password"]
        return redis.Redis(port=self.port, socket_timeout=5, username=USERS[user], password=password)

    def wait_until(self, condition: Callable[[], Any], *, what: str) -> None:
        """As `wait_until`, and with nothing refused meanwhile."""

        def met() -> Any:
            assert self.refused() == []
            return condition()

        wait_until(met, seconds=30, what=what)

    def refused(self) -> list[tuple[object, ...]]:
        """What Redis refused anybody, and why."""
        log: Any = self.client().acl_log()
        return [(entry["username"], entry["reason"], entry["object"]) for entry in log]


@pytest.fixture(scope="module")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("redis") / "users.acl"
    render("redis", "etc/redis/users.acl.j2", to=path, **PASSWORDS)
    return path


@pytest.fixture(scope="module")
def shared_redis(users_file: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(arguments=("--aclfile", str(users_file)))
    server.start()
    yield server
    server.close()


@pytest.fixture
def guarded_redis(shared_redis: GuardedRedis) -> GuardedRedis:
    """One that is empty and has refused nothing yet."""
    shared_redis.client().flushall()
    shared_redis.client().acl_log_reset()
    return shared_redis


@pytest.fixture
def as_the_service(fleet: Fleet, guarded_redis: GuardedRedis, configure: Callable[..., None]) -> None:
    """Processes, and this one, are the service's user in Redis."""
    assert fleet
    configure(redis_url=guarded_redis.url, flower_password=secrets.token_urlsafe(24))


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("as_the_service")
def test_the_service_is_refused_nothing_it_needs(
    fleet: Fleet, guarded_redis: GuardedRedis, tmp_path: Path
) -> None:
    # With gossip, mingle and events, which the units leave out and a person may want.
    fleet.start_worker(options=("-E",))
    fleet.start_worker("second", options=("-E",))
    fleet.start_beat()
    log, flowers = tmp_path / "seen", tmp_path / "flower.log"
    seen = start_celery("events", "--dump", log=log)
    flower = start_celery("flower", "--port=0", log=flowers)
    try:
        guarded_redis.wait_until(lambda: " heartbeat: " in log.read_text(), what="events are seen")
        guarded_redis.client().lpush("groundwork:default", b"garbage")
        result = tasks.add.apply_async((1, 1), countdown=0.5)
        assert result.get(timeout=20) == 2
        guarded_redis.wait_until(lambda: current.broker().quarantined().total, what="garbage is quarantined")
        assert tasks.touch.delay(str(tmp_path / "light"))
        guarded_redis.wait_until((tmp_path / "light").exists, what="a light task runs")
        for command in (
            ["inspect", "ping"],
            ["inspect", "stats"],
            ["control", "enable_events"],
            ["purge", "-f"],
        ):
            run_celery(*command)
        waiting = tasks.wait_for_file.delay(str(tmp_path / "never"))
        guarded_redis.wait_until((tmp_path / "never.started").exists, what="a job runs")
        waiting.revoke(terminate=True)
        assert ended(str(waiting.id))
        guarded_redis.wait_until(lambda: "Connected to" in flowers.read_text(), what="Flower runs")
        assert all(process.popen.poll() is None for process in fleet.processes)
    finally:
        stop(seen, how=signal.SIGINT)
        stop(flower)
    assert guarded_redis.refused() == [], log.read_text() + flowers.read_text()


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("as_the_service")
def test_the_doctor_sees_the_broker_as_the_services_user() -> None:
    findings = [
        redis_server.redis_answers(),
        redis_server.writes_are_kept(),
        redis_server.nothing_is_evicted(),
        redis_server.memory_has_room(),
    ]
    assert {finding.level for finding in findings} == {Level.OK}


@pytest.mark.parametrize("command", SERVICE_NEVER)
def test_the_service_may_not(command: str, guarded_redis: GuardedRedis) -> None:
    with pytest.raises(ResponseError, match=REFUSED):
        guarded_redis.client("app").execute_command(*command.split())


@pytest.mark.parametrize("command", MONITOR_NEVER)
def test_who_only_looks_may_not(command: str, guarded_redis: GuardedRedis) -> None:
    with pytest.raises(ResponseError, match=REFUSED):
        guarded_redis.client("monitor").execute_command(*command.split())


def test_who_only_looks_sees_how_redis_is_and_how_long_queues_are(guarded_redis: GuardedRedis) -> None:
    client: Any = guarded_redis.client("monitor")
    assert client.info("memory")["maxmemory_policy"] == "noeviction"
    assert client.llen("groundwork:default") == 0
    assert guarded_redis.refused() == []


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("as_the_service")
def test_a_light_message_is_given_back_and_found_again_without_scripts(guarded_redis: GuardedRedis) -> None:
    connection = make_celery(settings()).connection_for_read()
    channel: Any = connection.default_channel
    client: Any = guarded_redis.client()
    connection.Producer().publish([[], {}, {}], routing_key="default", headers={"task": "x.y", "id": "1"})
    taken(channel).reject(requeue=True)
    assert client.llen("groundwork:default")
    taken(channel)
    client.zadd(
        "groundwork:unacked_index", dict.fromkeys(client.zrange("groundwork:unacked_index", 0, -1), 1)
    )

    def is_back() -> bool:
        # Who has looked before, as taking does where nothing comes at once, keeps others from it for a while.
        channel.qos.restore_visible(interval=1)
        return bool(client.llen("groundwork:default"))

    wait_until(is_back, seconds=10, what="the message is back")
    assert (client.llen("groundwork:default"), client.hlen("groundwork:unacked")) == (1, 0)
    connection.close()
    assert guarded_redis.refused() == []


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("as_the_service")
def test_tables_of_queues_that_are_gone_are_swept_without_scripts(guarded_redis: GuardedRedis) -> None:
    client: Any = guarded_redis.client()
    with make_celery(settings()).connection_for_write() as connection:
        channel: Any = connection.default_channel
        for exchange in ("gone", "permanent", "alive"):
            Queue(exchange, Exchange(exchange), "key", expires=60, channel=channel).declare()
        Queue("stays", Exchange("permanent"), "key", channel=channel).declare()
        for exchange in ("gone", "permanent"):
            client.zadd("groundwork:_kombu.binding_deadlines", {exchange: 1})
        assert channel.sweep_bindings() == 2
        bound = {name.decode() for name in client.keys("groundwork:_kombu.binding.*")}
        assert bound == {f"groundwork:_kombu.binding.{exchange}" for exchange in ("permanent", "alive")}
        assert client.zrange("groundwork:_kombu.binding_deadlines", 0, -1) == [b"alive"]
        assert [key for key, *_ in channel.get_table("alive")] == ["key"]
    assert guarded_redis.refused() == []


@pytest.mark.parametrize(("mine", "theirs"), [("a:", "ab:"), ("ab:", "a:"), ("a:", "a.b:"), ("a-b:", "a:")])
def test_no_prefix_lies_in_that_of_another(mine: str, theirs: str, tmp_path: Path) -> None:
    for form in (REDIS_PREFIX, str(read("redis", "vars/main.yml")["__redis_prefix_form"])):
        assert all(re.fullmatch(form, prefix) for prefix in (mine, theirs))
    render("redis", "etc/redis/users.acl.j2", to=tmp_path / "users.acl", **PASSWORDS, redis_prefix=mine)
    server = GuardedRedis(arguments=("--aclfile", str(tmp_path / "users.acl")))
    server.start()
    try:
        client: Any = server.client("app")
        assert client.lpush(f"{mine}default", "x") == 1
        for command in (f"LPUSH {theirs}default x", f"PUBLISH {theirs}/0.celery.pidbox x"):
            with pytest.raises(ResponseError, match=REFUSED):
                client.execute_command(*command.split())
    finally:
        server.close()


@pytest.mark.parametrize(
    "prefix", ["a", "a:b", "a:b:", "a*", "a?:", "[a-z]:", ":", "a::", "a :", "ä:", "a:\n"]
)
def test_a_prefix_that_could_lie_in_another_is_refused(prefix: str, configure: Callable[..., None]) -> None:
    configure(redis_prefix=prefix)
    with pytest.raises(ConfigError, match=r"(?s)GROUNDWORK_REDIS_PREFIX: .*only colon at the end"):
        settings()
    assert not re.search(read("redis", "vars/main.yml")["__redis_prefix_form"], prefix)


def test_nobody_gets_in_without_a_name(guarded_redis: GuardedRedis) -> None:
    with pytest.raises(AuthenticationError):
        redis.Redis(port=guarded_redis.port).ping()


def test_the_file_of_users_holds_no_password(users_file: Path) -> None:
    written = users_file.read_text()
    assert not [password for password in PASSWORDS.values() if password in written]
