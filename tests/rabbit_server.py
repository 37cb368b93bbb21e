"""Starts a real RabbitMQ on free ports in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import amqp

from app.jobs.broker.lists import all_lists
from app.jobs.broker.rabbitmq.names import queue_of
from app.jobs.broker.rabbitmq.session import Session
from app.jobs.celery.transport.rabbitmq.wire import raw_of
from tests.servers import START_TIMEOUT_SECONDS, free_port, stop, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Debian's own script changes the user and the folder; this is what it calls.
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
CONFIGURATION = """
log.file.level = error
vm_memory_high_watermark.relative = 0.9
disk_free_limit.absolute = 1MB
"""
#: So many schedulers as there are cores, and none that spins while it waits.
ERLANG = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass
class RabbitServer:
    """A RabbitMQ of its own, with its Erlang node and that node's port mapper."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="groundwork-rabbit-")))
    port: int = field(default_factory=free_port)
    #: Lines of its configuration.
    further: str = ""
    #: Where it speaks TLS, if `further` says so.
    tls_port: int = 0
    process: subprocess.Popen[bytes] | None = None
    mapper: subprocess.Popen[bytes] | None = None
    _mapper_port: int = field(default_factory=free_port)
    _node_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def _environment(self) -> dict[str, str]:
        base = str(self.folder)
        return {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOME": base,
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": base,
            "RABBITMQ_LOG_BASE": base,
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": f"{base}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{base}/plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }

    def start(self) -> None:
        """Start it on nothing."""
        (self.folder / "plugins").write_text("[].")
        (self.folder / "rabbitmq.conf").write_text(CONFIGURATION + self.further)
        # Erlang would start one that outlives it.
        self.mapper = subprocess.Popen(
            ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"], env=self._environment
        )
        self.resume()

    def resume(self) -> None:
        """Start it on the data it has."""
        assert (SCRIPTS / "rabbitmq-server").exists(), "RabbitMQ is missing; scripts/test installs it"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [SCRIPTS / "rabbitmq-server"],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, seconds=2 * START_TIMEOUT_SECONDS, what="RabbitMQ answers")

    def _answers(self) -> bool:
        with suppress(OSError, amqp.AMQPError):
            self.connect().close()
            return True
        return False

    def connect(self) -> Any:
        """A connection as a guest."""
        connection: Any = amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=2)
        connection.connect()
        return connection

    def control(self, *arguments: str) -> str:
        """What its administrator's command says."""
        command = [f"{SCRIPTS}/rabbitmqctl", "--node", self._environment["RABBITMQ_NODENAME"], *arguments]
        done = subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True)
        return done.stdout

    def lengths(self, prefix: str = "groundwork:") -> dict[str, int]:
        """How many messages are ready in each queue that there is, by name."""
        with self.connect() as connection:
            found = {name: _length(connection, name) for name in queue_names(prefix)}
        return {name: length for name, length in found.items() if length is not None}

    def clear(self, prefix: str = "groundwork:") -> None:
        """Delete all queues, as an administrator might at any moment."""
        with self.connect() as connection:
            channel = connection.channel()
            for name in queue_names(prefix):
                channel.queue_delete(name)

    def signal(self, how: signal.Signals) -> None:
        """Signal it and all it has started."""
        assert self.process
        os.killpg(self.process.pid, how)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=stretched(START_TIMEOUT_SECONDS))

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
        if self.mapper:
            stop(self.mapper)
        shutil.rmtree(self.folder, ignore_errors=True)


def queue_names(prefix: str) -> list[str]:
    """All queues that the service makes."""
    steps = {"\x06\x163": ".high", "\x06\x166": ".normal", "\x06\x169": ".low"}
    names = all_lists()
    for separated, readable in steps.items():
        names = [name.replace(separated, readable) for name in names]
    return [f"{prefix}{name}" for name in (*names, "dead-letters", "quarantine")]


@contextmanager
def channel_of(server: RabbitServer) -> Iterator[Any]:
    """A channel of its own, for what other programs may do."""
    with server.connect() as connection:
        yield connection.channel()


def waiting_in(name: str) -> list[bytes]:
    """The messages of a list, the oldest first, in the RabbitMQ of the settings; they stay there."""
    session = Session(timeout=5)
    session.lengths([name])
    channel = session.connection.channel()
    found: list[bytes] = []
    while message := channel.basic_get(queue_of(name)):
        found.append(raw_of(message, queue=name.partition("\x06")[0]))
    channel.close()
    session.drop()
    return found


def _length(connection: Any, name: str) -> int | None:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(name, passive=True).message_count)
    except amqp.NotFound:
        return None
