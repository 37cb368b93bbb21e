"""The API reloads and restarts under load without one request that fails."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.host.units.unit import PYTHON, Unit

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = [pytest.mark.systemd, pytest.mark.on("api")]
#: Asks from some threads for so many seconds, half of them over one connection each, and counts.
CLIENTS = """
import collections, http.client, json, sys, threading, time
seconds = float(sys.argv[1])
counts, until = collections.Counter(), time.monotonic() + seconds
def ask(keep):
    connection = None
    while time.monotonic() < until:
        connection = connection or http.client.HTTPConnection("127.0.0.1", 8000, timeout=60)
        try:
            connection.request("GET", "/livez", headers={} if keep else {"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            counts[str(answer.status)] += 1
            if not keep or answer.will_close:
                connection.close()
                connection = None
        except Exception as error:
            counts[f"{type(error).__name__}: {error}"] += 1
            connection = None
threads = [threading.Thread(target=ask, args=(bool(number % 2),)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(counts))
"""
LOAD_SECONDS = 40


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_no_request_fails_meanwhile(host: Host, verb: str) -> None:
    unit, counts = Unit(host, "groundwork-api"), {}
    pid = unit.main_pid

    def load() -> None:
        counts.update(json.loads(host.check_output("%s -c %s %s", PYTHON, CLIENTS, str(LOAD_SECONDS))))

    clients = threading.Thread(target=load)
    clients.start()
    for _ in range(3):
        time.sleep(LOAD_SECONDS / 10)
        unit.succeed(verb)
    clients.join()
    print(counts)
    assert set(counts) == {"200"}
    assert (unit.main_pid == pid) == (verb == "reload")
