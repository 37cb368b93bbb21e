"""The services of a host under supervisord, where there is no systemd."""

from __future__ import annotations

import configparser
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run, run_checked
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.instances import Instance
from ansible.module_utils.groundwork.managers.attempts import Attempts
from ansible.module_utils.groundwork.paths import LOGS, SUPERVISOR

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: supervisord runs what is in here; a program of ours that starts with the host has a link to its file.
ENABLED = Path("/etc/supervisor/conf.d")
PREFIX = "groundwork-"
CONTROL = ("supervisorctl",)
#: Above every stopwaitsecs of our programs.
TIMEOUT_SECONDS = 180.0
#: In the command of a program.
PIDFILE = re.compile(r"^command=.*\s--pidfile[ =](\S+)", re.MULTILINE)
#: As long as a worker takes at most to be set up and then to consume.
READY_SECONDS = 240.0
#: What systemd calls the states of supervisord.
STATES = {"RUNNING": "active", "STARTING": "activating", "STOPPING": "deactivating", "BACKOFF": "activating"}
STATES |= {"STOPPED": "inactive", "EXITED": "inactive", "FATAL": "failed"}


class Supervisor:
    """See `Manager`."""

    #: An update reads all programs anew; two of them would each start what the other one does.
    parallel = 1

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

    def reload_files(self, changed: Collection[Path]) -> None:
        """Nothing to do: supervisord reads a program's file when the program is added."""

    def is_running(self, instance: Instance) -> bool:
        """Whether it is up, and no other state counts."""
        return self.status(instance)[0] == "active"

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
        if self.status(instance)[0] not in ("active", "activating"):
            self._do("start", _program(instance), failing=False)
        self._await_ready(instance, verb="start")

    def reload_or_restart(self, instance: Instance, *, changed: Collection[Path]) -> str:  # noqa: ARG002
        """Make it run what is installed now; a worker's jobs that do not end in time are given back."""
        self._do("stop", _program(instance), failing=False)
        # Takes a changed file in and starts the program; an unchanged one it leaves stopped.
        self._do("update", _program(instance))
        if self.status(instance)[0] not in ("active", "activating"):
            self._do("start", _program(instance), failing=False)
        self._await_ready(instance, verb="be restarted")
        return "restarted"

    def restart_socket(self, instances: Collection[Instance], *, changed: Collection[Path]) -> None:
        """There is no socket but the API's own."""

    def remove(self, instance: Instance) -> None:
        """Stop and disable it."""
        self._do("stop", _program(instance), failing=False)
        _link(instance).unlink(missing_ok=True)
        self._do("update", _program(instance), failing=False)

    def stop_family(self) -> None:
        """Nothing to do: supervisord holds others' programs, too."""

    def disable_timer(self, timer: str) -> None:
        """cron reads its folder by itself."""

    def stop(self, instances: Collection[Instance]) -> None:
        """Stop these together until they are started or the host boots."""
        self._do("stop", *map(_program, instances))

    def status(self, instance: Instance) -> tuple[str, str]:
        """What state it is in, and since when."""
        state, said = self._status(instance)
        return STATES.get(state, "inactive"), said

    def enabled(self) -> list[Instance]:
        """The instances that start with the host."""
        found = ENABLED.glob(f"{PREFIX}*.conf") if ENABLED.is_dir() else ()
        return [_instance(path.stem.removeprefix(PREFIX)) for path in found]

    def recent_output(self, instance: Instance) -> str:
        """What it wrote since this object was made, to supervisord and to its log."""
        return "".join(self._grown(path) for path in _logs(instance))

    def _status(self, instance: Instance) -> tuple[str, str]:
        """In supervisord's own terms: the state, and what it says of it."""
        said = run([*CONTROL, "status", _program(instance)]).stdout.split(maxsplit=2)
        return (said[1], said[2].strip() if len(said) > 2 else "") if len(said) > 1 else ("", "")

    def _grown(self, path: Path) -> str:
        if not path.is_file():
            return ""
        with path.open("rb") as stream:
            stream.seek(self._log_sizes.get(path, 0))
            return stream.read()[-100_000:].decode(errors="replace")

    def _await_ready(self, instance: Instance, *, verb: str) -> None:
        """supervisord knows that a process lives; that it works, it says itself with its pidfile."""
        pidfile = _pidfile(instance)
        until = time.monotonic() + READY_SECONDS
        attempts = Attempts()
        while time.monotonic() < until and not attempts.are_a_loop:
            state, said = self._status(instance)
            pid = said.removeprefix("pid ").partition(",")[0] if state == "RUNNING" else ""
            if pid and (pidfile is None or _content(pidfile) == pid):
                return
            if state == "FATAL":
                break
            attempts.see(state, pid=pid)
            time.sleep(0.25)
        late = time.monotonic() >= until
        why = f"it was not ready within {READY_SECONDS:g} s" if late else "it ends again and again"
        raise Failure(f"{_program(instance)} could not {verb}: {why}.", output=self.recent_output(instance))

    def _do(self, *arguments: str, failing: bool = True) -> None:
        argv = [*CONTROL, *arguments]
        if failing:
            run_checked(argv, message=f"supervisorctl {' '.join(arguments)} failed.", seconds=TIMEOUT_SECONDS)
        else:
            run(argv, seconds=TIMEOUT_SECONDS)


def _program(instance: Instance) -> str:
    return PREFIX + instance.name


def _instance(name: str) -> Instance:
    service, _, pool = name.partition("-")
    return Instance(service=service, pool=pool)


def _file(instance: Instance) -> Path:
    return SUPERVISOR / f"{_program(instance)}.conf"


def _link(instance: Instance) -> Path:
    return ENABLED / _file(instance).name


def _pidfile(instance: Instance) -> Path | None:
    """Where the service writes its number once it is ready, if its command says so."""
    found = PIDFILE.search(_content(_file(instance)))
    return Path(found[1]) if found else None


def _content(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def _logs(instance: Instance) -> tuple[Path, Path]:
    return LOGS / f"{_program(instance)}.out", LOGS / f"{instance.name}.log"


def _text(section: str, options: Mapping[str, str]) -> str:
    return "\n".join([f"[{section}]", *(f"{key}={value}" for key, value in options.items()), ""])
