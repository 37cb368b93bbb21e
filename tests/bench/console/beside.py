"""What consoles that stay open cost a drain, and how soon they show what has changed.

    python -m tests.bench.console.beside [--rounds 6] [--jobs 20000] [--changes 20]

Starts a PostgreSQL, a Redis, the API and beat. Twenty open overviews wait for one change after the
other; then it drains with and without them, in turns.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.bench import measures
from tests.bench.processes import cpu_seconds, family
from tests.bench.start import GROUNDWORK, PORTS, ROOT, SERVICES, TIMEOUT_SECONDS, service_environment, works
from tests.servers import PostgresServer, RedisServer, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bench.console.listeners import Consoles

CONSOLES = 20
#: Within which a change is to be shown, and the share of the drain without consoles that is to be left.
MAX_SECONDS, LEAST_SHARE = 2.0, 0.97
PATIENCE_SECONDS, WATCHED_SECONDS = 15, 30


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="drains with, and as many without")
    parser.add_argument("--jobs", type=int, default=20_000, help="of each drain")
    parser.add_argument("--changes", type=int, default=20, help="that are waited for")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with ExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer(settings=())
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        postgres.execute("CREATE DATABASE bench")
        environment = service_environment(redis.url, postgres.url("bench"))
        os.environ.update(environment)
        subprocess.run([*GROUNDWORK, "migrate"], cwd=ROOT, env=environment, check=True)
        pids = {name: _started(stack, name, environment) for name in ("serve", "beat")}
        assert postgres.process
        # Of the workers alone: how the services say that they have started is in their logs.
        os.environ["GROUNDWORK_LOG_LEVEL"] = "WARNING"
        port = int(environment[PORTS["serve"]])
        _compare(port, (pids["serve"], postgres.process.pid), given)


def _started(stack: ExitStack, name: str, environment: Mapping[str, str]) -> int:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(SERVICES[name], cwd=ROOT, env=environment, stdout=log, stderr=log)
        stack.callback(stop, process)
        is_working = works(name, environment, log.fileno())
        wait_until(is_working, seconds=TIMEOUT_SECONDS, what=f"{name} works")
    return process.pid


def _compare(port: int, servers: tuple[int, int], given: argparse.Namespace) -> None:
    # Importing these reads the settings.
    from app.domains.accounts.roles import Role
    from tests.bench.console.listeners import Consoles
    from tests.console.journeys import world
    from tests.domains.accounts.people import add_person

    add_person(world.ADMIN, role=Role.ADMIN)
    cookie = _signed_in(port, world.ADMIN)

    def consoles() -> Consoles:
        return Consoles(port=port, cookie=cookie, number=CONSOLES)

    print(f"load {os.getloadavg()[0]:.1f}")
    _watch(servers, consoles)
    _wait_for_changes(consoles, given.changes)
    if given.rounds:
        _drain(consoles, rounds=given.rounds, jobs=given.jobs)
    print(f"load {os.getloadavg()[0]:.1f}")


def _watch(servers: tuple[int, int], consoles: Callable[[], Consoles]) -> None:
    """Say what they use of the processor, whatever else is at work."""
    alone = _used(servers)
    with consoles():
        watched = _used(servers)
    api, postgres = ((beside - idle) / WATCHED_SECONDS for beside, idle in zip(watched, alone, strict=True))
    print(
        f"{CONSOLES} consoles use {api:.1%} of a core in the API and {postgres:.1%} in PostgreSQL", flush=True
    )


def _used(servers: tuple[int, int]) -> list[float]:
    """The seconds of the processor that each takes meanwhile."""
    before = [sum(map(cpu_seconds, family(pid))) for pid in servers]
    time.sleep(WATCHED_SECONDS)
    return [sum(map(cpu_seconds, family(pid))) - used for pid, used in zip(servers, before, strict=True)]


def _drain(consoles: Callable[[], Consoles], *, rounds: int, jobs: int) -> None:
    """Say how much of a drain they leave, in turns."""
    without, beside = [], []
    _drained(jobs)  # what starts cold
    for turn in range(2 * rounds):
        # The first of a pair by turns, for others may load the machine more and more.
        if turn % 4 in (0, 3):
            without.append(_drained(jobs))
            continue
        with consoles():
            beside.append(_drained(jobs))
    for pair in zip(without, beside, strict=True):
        print("drained {:,.0f}/s without, {:,.0f}/s beside".format(*pair), flush=True)
    shares = [ours / alone for ours, alone in zip(beside, without, strict=True)]
    share = statistics.median(shares)
    is_over = "" if share >= LEAST_SHARE else ": OVER"
    print(f"they leave {share:.1%} ({min(shares):.0%} to {max(shares):.0%}); bar {LEAST_SHARE:.0%}{is_over}")


def _wait_for_changes(consoles: Callable[[], Consoles], changes: int) -> None:
    """Say how soon they show them."""
    with consoles() as opened:
        taken = [seconds for number in range(changes) for seconds in _change(opened, number)]
    taken.sort()
    p95 = statistics.quantiles(taken, n=20)[-1]
    said = f"a change is on {CONSOLES} pages after {statistics.median(taken):.2f} s, p95 {p95:.2f}"
    is_over = "" if p95 <= MAX_SECONDS else ": OVER"
    print(f"{said}, at most {taken[-1]:.2f}; bar {MAX_SECONDS}{is_over}", flush=True)


def _signed_in(port: int, email: str) -> str:
    """The cookie of somebody who has signed in."""
    from app.console import places
    from tests.console.browser import HERE
    from tests.domains.accounts.people import PASSWORD

    connection = http.client.HTTPConnection("127.0.0.1", port)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", places.SIGN_IN, urlencode({"email": email, "password": PASSWORD}), HERE | form)
    answer = connection.getresponse()
    if answer.status != HTTPStatus.SEE_OTHER:
        raise SystemExit(f"Signing in was answered {answer.status}: {answer.read()[:500]!r}")
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def _drained(jobs: int) -> float:
    from tests.bench import drain_ledger

    drain_ledger.clean()
    drain_ledger.accept_batches(jobs)
    left, all_done = drain_ledger.left, drain_ledger.all_done
    return measures.drained_per_second(drain_ledger.WORKER, jobs=jobs, left=left, all_done=all_done)


def _change(consoles: Consoles, number: int) -> list[float]:
    """After how many seconds each page shows one more dead job."""
    from app.jobs.ledger.models import State
    from tests.console.journeys import world

    # At another moment of their turns each time.
    time.sleep(0.3 + 0.11 * (number % 10))
    text = f"{number + 1} dead job"
    consoles.expect(text)
    world.add_job(State.DEAD)
    began = time.time()

    def is_shown() -> bool:
        return len(consoles.shown(text)) == CONSOLES

    wait_until(is_shown, seconds=PATIENCE_SECONDS, what=f"all pages show {text}")
    return [max(at - began, 0.0) for at in consoles.shown(text)]


if __name__ == "__main__":
    main()
