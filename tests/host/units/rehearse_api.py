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
#: Asks through the proxy for so many seconds; half of the threads keep their connection. Counts the answers.
CLIENTS = """
import collections, http.client, json, ssl, sys, threading, time
counts, until = collections.Counter(), time.monotonic() + float(sys.argv[1])
headers = {"Authorization": f"Bearer {sys.argv[2]}"}
trusting = ssl._create_unverified_context()
def ask(keep):
    connection = None
    while time.monotonic() < until:
        connection = connection or http.client.HTTPSConnection("127.0.0.1", context=trusting, timeout=60)
        try:
            how = {} if keep else {"Connection": "close"}
            connection.request("GET", "/api/v1/jobs?limit=1", headers=headers | how)
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
def test_no_request_fails_meanwhile(host: Host, token: str, verb: str) -> None:
    unit, counts = Unit(host, "groundwork-api"), {}
    pid = unit.main_pid

    def load() -> None:
        said = host.check_output("%s -c %s %s %s", PYTHON, CLIENTS, str(LOAD_SECONDS), token)
        counts.update(json.loads(said))

    clients = threading.Thread(target=load)
    clients.start()
    for _ in range(3):
        time.sleep(LOAD_SECONDS / 10)
        unit.succeed(verb)
    clients.join()
    print(counts)
    assert set(counts) == {"200"}
    assert (unit.main_pid == pid) == (verb == "reload")
