"""Runs all of Groundwork on this machine, out of this checkout: `scripts/up`.

Redis, the API, one worker per pool and beat run under supervisord, as their units in `systemd/` say, and
Flower where it is asked for.
What they write is in `var/`.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import demonstration
import fleet
import local_settings
from access import ensure_administrator, ensure_token, print_summary, recorded_token
from local_settings import ENV_FILE, LOGS
from packages import SetupFailed
from readiness import wait_for_all

from app.errors import GroundworkError
from app.settings.config import settings

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
GROUNDWORK = Path(sys.prefix, "bin", "groundwork")
#: As systemctl answers for a unit that is not running.
NOT_RUNNING = 3


def up(*, detach: bool, demo: bool, flower: bool) -> int:
    """Start everything that does not run yet, and stay with it unless told to detach."""
    is_running = fleet.running_pid() is not None
    if not is_running:
        # Before the settings are read: what another release wrote there may be none of this one's.
        demonstration.end()
    local_settings.ensure_env_file()
    if is_running:
        print("Groundwork is running already. To start it another way, stop it first: scripts/up stop")
        if recorded_token() is None:
            ensure_token()
        print_summary()
        return 0
    if count := fleet.end_leftovers():
        print(f"Ended {count} processes that a killed supervisord had left behind.")
    _prepare(demo=demo, flower=flower)
    token = ensure_token()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        print("Starting ...")
        fleet.start()
        wait_for_all(token=token)
        ensure_administrator()
    except BaseException:
        _stop()
        raise
    if detach:
        print_summary()
        return 0
    return _follow()


def _prepare(*, demo: bool, flower: bool) -> None:
    if "%" in str(ROOT):
        raise SetupFailed(f"Celery takes the percent sign in {ROOT} for a placeholder. Move the checkout.")
    outside = _outside_world(demo=demo, flower=flower)
    if with_redis := local_settings.starts_redis(settings()):
        local_settings.write_redis_config(settings())
    fleet.write_config(with_redis=with_redis, with_flower=flower, outside=outside)
    if subprocess.run([GROUNDWORK, "migrate"], check=False).returncode != 0:
        raise SetupFailed(
            f"The database could not be migrated (above). It is GROUNDWORK_DATABASE_URL in {ENV_FILE} or in "
            "your shell; put it right, then run scripts/up again."
        )
    if demo:
        # Before anything runs that would count or do other work. A ledger in use is kept, and that is said.
        subprocess.run([GROUNDWORK, "demonstration", "fill"], check=False)


def _outside_world(*, demo: bool, flower: bool) -> list[str]:
    """Set up what plays the outside world; the command that runs it."""
    if not demo:
        local_settings.refuse_taken_ports(settings(), with_flower=flower)
        return []
    further = demonstration.ports(settings())
    local_settings.refuse_taken_ports(settings(), with_flower=flower, further=further)
    demonstration.begin(settings())
    return demonstration.command(settings())


def _follow() -> int:
    # Not as an exception: one that is raised while Python closes a file of its own is swallowed.
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: told.put(number))
    try:
        if _is_stopped_elsewhere(told):
            print("Groundwork was stopped from elsewhere.")
            return 0
    except BrokenPipeError:
        pass
    _stop()
    return 0


def _is_stopped_elsewhere(told: queue.SimpleQueue[int]) -> bool:
    """Show what changes until `told` says to stop; whether somebody else has stopped it before."""
    known: dict[str, fleet.Process] = {}
    print_summary()
    print("Ctrl-C stops everything.")
    while fleet.running_pid() is not None:
        known = _tell_changes(known)
        with suppress(queue.Empty):
            told.get(timeout=1)
            return False
    return True


def _tell_changes(known: dict[str, fleet.Process]) -> dict[str, fleet.Process]:
    try:
        found = {process.name: process for process in fleet.processes()}
    except OSError:
        return known
    for name, process in found.items():
        before = known.get(name)
        if before and (before.state, before.pid) != (process.state, process.pid):
            print(f"{name}: {process.state}, {process.description}")
    return found


def _stop() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Who listened may be gone; what runs must be stopped all the same.
    with suppress(BrokenPipeError):
        print("\nStopping. Running jobs get time to end; what is left runs again at the next start ...")
    fleet.stop()
    with suppress(BrokenPipeError):
        print("Stopped. Everything accepted is in the ledger.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def status() -> int:
    """Show what runs."""
    if fleet.running_pid() is None:
        print("Groundwork is not running. Start it: scripts/up")
        return NOT_RUNNING
    found = fleet.processes()
    for process in found:
        print(f"{process.name:32} {process.state:10} {process.description}")
    return 0 if all(process.is_running for process in found) else 1


def stop() -> int:
    """Stop everything that runs out of this checkout, whatever became of its settings."""
    was_running = fleet.running_pid() is not None
    if not was_running and not fleet.end_leftovers():
        print("Groundwork is not running.")
        return 0
    _stop()
    return 0


def logs(*, service: str | None, follow: bool) -> int:
    """Show the last lines of the logs."""
    wanted = sorted(
        str(path) for pattern in ("*.log", "*.out") for path in LOGS.glob(f"*{service or ''}{pattern}")
    )
    if not wanted:
        known = ", ".join(sorted(path.stem for path in LOGS.glob("*.log"))) or "none yet"
        print(f'There is no log of "{service or "anything"}" in {LOGS}. There are: {known}.')
        return 1
    command = ["tail", "-n", "20", *(["-F"] if follow else []), "--", *wanted]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """The command line; what goes wrong as expected is one sentence."""
    given = _parser().parse_args()
    os.chdir(ROOT)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # The ledger and the logs hold what others on this machine must not read.
    os.umask(0o077)
    try:
        return _run(given)
    except (SetupFailed, GroundworkError) as problem:
        print(problem, file=sys.stderr)
    except BrokenPipeError:
        # Nobody reads any more. Python must not try once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as problem:
        place = problem.filename or ROOT
        print(f"{place}: {problem.strerror}. Put that right, then run scripts/up again.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/up", description="Run all of Groundwork on this machine.")
    parser.add_argument("--detach", action="store_true", help="return when everything answers")
    parser.add_argument(
        "--demo", action="store_true", help="with a mailbox, a bank and a day of work to try things on"
    )
    parser.add_argument("--flower", action="store_true", help="with Flower, Celery's own dashboard")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("status", help="show what runs")
    commands.add_parser("stop", help="stop everything")
    of_logs = commands.add_parser("logs", help="show the last lines of the logs")
    of_logs.add_argument("service", nargs="?", help="such as api, beat or worker-standard; else all")
    of_logs.add_argument("-f", "--follow", action="store_true", help="go on showing what is added")
    return parser


def _run(given: argparse.Namespace) -> int:
    match given.command:
        case "status":
            return status()
        case "stop":
            return stop()
        case "logs":
            return logs(service=given.service, follow=given.follow)
        case _:
            return up(detach=given.detach, demo=given.demo, flower=given.flower)


if __name__ == "__main__":
    sys.exit(main())
