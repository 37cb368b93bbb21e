"""The services of a host under supervisord, where there is no systemd."""

from __future__ import annotations

import configparser
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import must, run
from ansible.module_utils.groundwork.instances import Instance
from ansible.module_utils.groundwork.paths import DATA, LOGS, SUPERVISOR
from ansible.module_utils.groundwork.reason import Failure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: supervisord runs what is in here; a program of ours that starts with the host has a link to its file.
ENABLED = Path("/etc/supervisor/conf.d")
PREFIX = "groundwork-"
CONTROL = ("supervisorctl",)
#: Above every stopwaitsecs of our programs.
PATIENCE_SECONDS = 180.0
#: As long as a worker takes at most to be set up and then to consume.
READY_SECONDS = 240.0
#: An attempt to start is seen as a process or as words; so many different ones are a loop.
TRIES = 4
#: These write a pidfile once they are ready.
ANNOUNCED = ("worker", "beat")
#: What systemd calls the states of supervisord.
STATES = {"RUNNING": "active", "STARTING": "activating", "STOPPING": "deactivating", "BACKOFF": "activating"}
STATES |= {"STOPPED": "inactive", "EXITED": "inactive", "FATAL": "failed"}


class Supervisor:
    """What `switch` needs of a service manager."""

    #: An update reads all programs anew; two of them would each start what the other one does.
    at_once = 1

    def __init__(self) -> None:
        self._log_sizes = {path: path.stat().st_size for path in LOGS.glob("*")}

    def files(
        self,
        release: Path,
        *,
        extra: Mapping[str, str],  # noqa: ARG002 (drop-ins are for systemd)
        address: str,  # noqa: ARG002 (the API listens by its settings)
    ) -> dict[Path, bytes]:
        """A file per program of the release."""
        read = configparser.RawConfigParser(delimiters=("=",))
        read.read(release / "supervisor/groundwork.conf")
        return {
            SUPERVISOR / f"{section.partition(':')[2]}.conf": _text(section, read[section]).encode()
            for section in read.sections()
            if section.startswith(f"program:{PREFIX}")
        }

    def take_over(self, changed: Collection[Path]) -> None:
        """Nothing to do: supervisord reads a program's file when the program is added."""

    def is_running(self, instance: Instance) -> bool:
        """Whether it is up, and no other state counts."""
        return self.seen(instance)[0] == "active"

    def is_enabled(self, instance: Instance) -> bool:
        """Whether it starts with the host."""
        return _link(instance).is_symlink()

    def enable(self, instance: Instance) -> None:
        """Start it with the host from now on, and now: supervisord starts what is added to it."""
        if not _link(instance).is_symlink():
            _link(instance).symlink_to(_file(instance))
        self._do("update", _program(instance))

    def start(self, instance: Instance) -> None:
        """Start what does not run; it is ready when this returns."""
        if self.seen(instance)[0] not in ("active", "activating"):
            self._do("start", _program(instance), failing=False)
        self._await_ready(instance, verb="start")

    def renew(self, instance: Instance, *, changed: Collection[Path]) -> str:  # noqa: ARG002
        """Make it run what is installed now; a worker's jobs that do not end in time are given back."""
        self._do("stop", _program(instance), failing=False)
        # Takes a changed file in and starts the program; an unchanged one it leaves stopped.
        self._do("update", _program(instance))
        if self.seen(instance)[0] not in ("active", "activating"):
            self._do("start", _program(instance), failing=False)
        self._await_ready(instance, verb="be restarted")
        return "restarted"

    def renew_socket(self, instances: Collection[Instance], *, changed: Collection[Path]) -> None:
        """There is no socket but the API's own."""

    def remove(self, instance: Instance) -> None:
        """Stop it and start it no more."""
        self._do("stop", _program(instance), failing=False)
        _link(instance).unlink(missing_ok=True)
        self._do("update", _program(instance), failing=False)

    def disband(self) -> None:
        """Nothing to do: supervisord holds others' programs, too."""

    def forget(self, timer: str) -> None:
        """cron reads its folder by itself."""

    def pause(self, instances: Collection[Instance]) -> None:
        """Stop these together until they are started or the host boots."""
        self._do("stop", *map(_program, instances))

    def seen(self, instance: Instance) -> tuple[str, str]:
        """What state it is in, and since when."""
        said = run([*CONTROL, "status", _program(instance)]).stdout.split(maxsplit=2)
        if len(said) < 2:
            return "inactive", ""
        return STATES.get(said[1], "inactive"), said[2].strip() if len(said) > 2 else ""

    def installed(self) -> list[Instance]:
        """The instances that start with the host."""
        found = ENABLED.glob(f"{PREFIX}*.conf") if ENABLED.is_dir() else ()
        return [_instance(path.stem.removeprefix(PREFIX)) for path in found]

    def last_words(self, instance: Instance) -> str:
        """What it said since this began, to supervisord and in its log."""
        return "".join(self._grown(path) for path in _logs(instance))

    def _grown(self, path: Path) -> str:
        if not path.is_file():
            return ""
        with path.open("rb") as stream:
            stream.seek(self._log_sizes.get(path, 0))
            return stream.read()[-100_000:].decode(errors="replace")

    def _await_ready(self, instance: Instance, *, verb: str) -> None:
        """supervisord knows that a process lives; that it works, it says itself with its pidfile."""
        until = time.monotonic() + READY_SECONDS
        tries: set[str] = set()
        while time.monotonic() < until and len(tries) < TRIES:
            state, said = self.seen(instance)
            pid = said.removeprefix("pid ").partition(",")[0] if state == "active" else ""
            if pid and (instance.service not in ANNOUNCED or _announced(instance) == pid):
                return
            # A new attempt has another process, or a new reason why there is none.
            tries |= {pid or said} - {""}
            if state == "failed":
                break
            time.sleep(0.25)
        raise Failure(f"{_program(instance)} could not {verb}.", words=self.last_words(instance))

    def _do(self, *arguments: str, failing: bool = True) -> None:
        argv = [*CONTROL, *arguments]
        if failing:
            must(argv, sentence=f"supervisorctl {' '.join(arguments)} failed.", seconds=PATIENCE_SECONDS)
        else:
            run(argv, seconds=PATIENCE_SECONDS)


def _program(instance: Instance) -> str:
    return PREFIX + instance.name


def _instance(name: str) -> Instance:
    service, _, pool = name.partition("-")
    return Instance(service=service, pool=pool)


def _file(instance: Instance) -> Path:
    return SUPERVISOR / f"{_program(instance)}.conf"


def _link(instance: Instance) -> Path:
    return ENABLED / _file(instance).name


def _announced(instance: Instance) -> str:
    path = DATA / f"{_program(instance)}.pid"
    return path.read_text().strip() if path.is_file() else ""


def _logs(instance: Instance) -> tuple[Path, Path]:
    return LOGS / f"{_program(instance)}.out", LOGS / f"{instance.name}.log"


def _text(section: str, options: Mapping[str, str]) -> str:
    return "\n".join([f"[{section}]", *(f"{key}={value}" for key, value in options.items()), ""])
