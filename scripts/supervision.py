"""Projects the units of `systemd/` onto a supervisord.conf, for machines without systemd.

What a unit says and supervisord cannot do is left out: the sandbox and the limits, the socket that outlives
the API (which binds the address in its settings), readiness, the watchdog, a reload that hands over, and
any order but Redis first. StartLimit is off in the units; here a very large number of tries comes close. A
detached process cannot be supervised, so `--detach` goes; pidfiles move to the state folder. The settings
come from the same env files, and the credentials from the folder beside the first, which `groundwork` reads
itself.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from units import ServiceUnit, service_units

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTORESTART = {"always": "true", "on-failure": "unexpected", "no": "false"}
#: KillMode as (whether the group gets the stop signal, whether it gets the final kill).
GROUP_SIGNALS = {"control-group": ("true", "true"), "mixed": ("false", "true"), "process": ("false", "false")}
#: Supervisord counts these in a row before it gives up; it waits a second longer after each.
FOR_EVER = "1000000"
#: For Redis, which writes to its disk.
STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where things are on the machine the configuration is for."""

    #: Holds the pidfiles.
    state: PurePosixPath
    #: Where supervisord is spoken to; a unix socket's address has room for 107 bytes.
    socket: PurePosixPath
    logs: PurePosixPath
    #: Instead of the folder that the units name.
    bin: PurePosixPath | None = None
    #: Instead of the unit's, as `GROUNDWORK_ENV_FILE` names them.
    env_files: str = ""
    keeps_user: bool = True
    redis_config: PurePosixPath | None = None
    #: The command that plays the outside world in a demonstration.
    outside: tuple[str, ...] = ()
    #: Programs that do not run there.
    without: frozenset[str] = frozenset()


def configuration(place: Place) -> str:
    """The text of a supervisord.conf."""
    sections = _own_sections(place)
    if place.redis_config is not None:
        sections["program:redis"] = _beside("redis", ["redis-server", str(place.redis_config)], place=place)
    if place.outside:
        sections["program:outside"] = _beside("outside", place.outside, place=place)
    units = [unit for unit in service_units() if unit.program not in place.without]
    for unit in units:
        sections[f"program:{unit.program}"] = _program(unit, place=place)
    # What groundwork.target is to systemd. The members of a group are stopped together, groups one by one.
    sections["group:groundwork"] = {"programs": ",".join(unit.program for unit in units), "priority": "100"}
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items()), ""])
        for name, options in sections.items()
    )


def _own_sections(place: Place) -> dict[str, dict[str, str]]:
    return {
        "unix_http_server": {"file": _literal(place.socket), "chmod": "0700"},
        "supervisord": {
            "pidfile": _literal(place.state / "supervisord.pid"),
            "logfile": _literal(place.logs / "supervisord.log"),
            "childlogdir": _literal(place.logs),
            "umask": "077",
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "supervisorctl": {"serverurl": f"unix://{_literal(place.socket)}"},
    }


def _program(unit: ServiceUnit, *, place: Place) -> dict[str, str]:
    as_group, kill_group = GROUP_SIGNALS[unit.get("KillMode", "control-group")]
    options = {
        "command": _literal(shlex.join(_command(unit, place=place))),
        "environment": _environment(place.env_files or ":".join(unit.every("EnvironmentFile"))),
        "umask": unit["UMask"],
        "autorestart": AUTORESTART[unit.get("Restart", "no")],
        "startretries": FOR_EVER,
        "stopsignal": unit.get("KillSignal", "SIGTERM").removeprefix("SIG"),
        "stopwaitsecs": unit["TimeoutStopSec"],
        "stopasgroup": as_group,
        "killasgroup": kill_group,
    }
    if place.keeps_user:
        options |= {"user": unit["User"], "directory": unit["WorkingDirectory"]}
    return options | _output(unit.program, place=place)


def _command(unit: ServiceUnit, *, place: Place) -> list[str]:
    program, *arguments = (word for word in unit.command if word != "--detach")
    if "--pidfile" in arguments:
        arguments[arguments.index("--pidfile") + 1] = str(place.state / f"{unit.program}.pid")
    return [str(place.bin / PurePosixPath(program).name) if place.bin else program, *arguments]


def _beside(name: str, command: Sequence[str], *, place: Place) -> dict[str, str]:
    # The lower priority: it starts before and stops after everything that talks to it.
    return {
        "command": _literal(shlex.join(command)),
        "environment": _environment(place.env_files),
        "autorestart": "true",
        "startretries": FOR_EVER,
        "stopwaitsecs": str(STOP_SECONDS),
        "priority": "10",
    } | _output(name, place=place)


def _output(program: str, *, place: Place) -> dict[str, str]:
    """Where goes what a process prints beside its own log, such as the reason why it cannot start."""
    return {
        "redirect_stderr": "true",
        "stdout_logfile": _literal(place.logs / f"{program}.out"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }


def _environment(env_files: str) -> str:
    """Names the settings to a process, and whose process it is to whoever looks."""
    return f'GROUNDWORK_ENV_FILE="{_literal(env_files)}"'


def _literal(value: object) -> str:
    """`value` for supervisord, which expands what follows a percent sign."""
    return str(value).replace("%", "%%")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/supervisord",
        description="Print a supervisord.conf made from systemd/.",
        epilog="Example: scripts/supervisord --bin .venv/bin --state var > var/supervisord.conf",
    )
    parser.add_argument("--bin", metavar="DIR", help="where the groundwork command is; else as in the units")
    parser.add_argument(
        "--state",
        metavar="DIR",
        help="keep socket, pidfiles, DIR/log and DIR/groundwork.env here, as this user",
    )
    parser.add_argument("--redis", metavar="FILE", help="also run a redis-server on this configuration")
    given = parser.parse_args()
    print(configuration(place_of(state=given.state, bin_folder=given.bin, redis_config=given.redis)), end="")


def place_of(*, state: str | None, bin_folder: str | None, redis_config: str | None) -> Place:
    """The place that the command line describes; by default the one the units are written for."""
    folder = PurePosixPath(state or "/var/lib/groundwork")
    return Place(
        state=folder,
        socket=folder / "supervisor.sock",
        logs=folder / "log" if state else PurePosixPath("/var/log/groundwork"),
        bin=PurePosixPath(Path(bin_folder)) if bin_folder else None,
        env_files=str(folder / "groundwork.env") if state else "",
        keeps_user=state is None,
        redis_config=PurePosixPath(redis_config) if redis_config else None,
    )


if __name__ == "__main__":
    main()
