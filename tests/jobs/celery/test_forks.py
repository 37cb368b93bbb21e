"""A worker's main process forks children while its heartbeat uses the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from app.db.sessions import reading
from app.jobs.celery import forks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: The child ends by itself long before a writer that never gets its turn gives up.
CHILD_SECONDS = 10

FORK_WHILE_A_THREAD_WRITES = f"""
import os, signal, threading
from sqlalchemy import text
from app.db import sessions as db
from app.jobs.celery import forks

writing = threading.Event()

def write():
    with db.transaction() as session:
        session.execute(text("INSERT INTO effect (name) VALUES ('x')"))

def work():
    with forks.at_work, db.transaction() as session:
        session.execute(text("INSERT INTO effect (name) VALUES ('thread')"))
        writing.set()
        threading.Event().wait(0.3)  # (the fork below is tried meanwhile)

with db.transaction() as session:
    session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
threading.Thread(target=work).start()
writing.wait()
child = os.fork()
if child == 0:
    signal.alarm({CHILD_SECONDS})
    write()
    os._exit(0)
_, status = os.waitpid(child, 0)
write()
raise SystemExit(status)
"""


def test_a_child_forked_while_the_heartbeat_writes_can_write_itself(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK_WHILE_A_THREAD_WRITES],
        env=environment,
        capture_output=True,
        text=True,
        timeout=stretched(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_threads_get_their_turn_in_the_order_in_which_they_came() -> None:
    turns: list[str] = []
    at_work = forks.AtWork()

    def beat() -> None:
        with at_work:
            turns.append("heartbeat")

    heartbeat = threading.Thread(target=beat)
    with at_work:
        heartbeat.start()
        wait_until(lambda: at_work.is_awaited, seconds=20, what="the heartbeat waits")
    with at_work:
        turns.append("who has always work")
    heartbeat.join()
    assert turns == ["heartbeat", "who has always work"]


def test_a_child_inherits_no_open_connection(database: Engine) -> None:
    with reading() as session:
        session.connection()
    assert database.pool.checkedin() == 1  # type: ignore[attr-defined]
    child = os.fork()
    if child == 0:
        os._exit(database.pool.checkedin())  # type: ignore[attr-defined]
    _, status = os.waitpid(child, 0)
    assert status == 0


ASK_HOW_IT_ENDS = """
import ctypes, sys
from celery import platforms
import app.celery_app

platforms.set_pdeathsig("SIGKILL")  # as Celery has each child do
signal = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(signal))  # PR_GET_PDEATHSIG
print(signal.value, "pycparser" in sys.modules)
"""


def test_a_child_ends_with_its_worker_and_loads_no_parser_of_c_for_that(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_HOW_IT_ENDS], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(signal.SIGKILL.value), "False"]
