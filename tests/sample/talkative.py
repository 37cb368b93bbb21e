"""Tasks that log."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import structlog

from app.jobs.celery.task import task
from app.jobs.errors import RetryableError
from tests.sample.tasks import QUICK, record_effect

log = logging.getLogger("tests.talkative")
structured = structlog.get_logger("tests.structured")


class Mute:
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Echo:
    """Logs whenever it is shown: to each handler."""

    def __str__(self) -> str:
        log.info("being shown")
        return "echo"


@task()
def say(words: str) -> None:
    """From the body and from a thread of its own, and what is too quiet."""
    log.info("first %s", words)
    log.debug("never %s", words)
    structured.warning("in between", count=2, job_id="elsewhere")
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(log.info, "from a thread"))
    thread.start()
    thread.join()
    alone = threading.Thread(target=log.info, args=("of nobody",))
    alone.start()
    alone.join()
    try:
        raise ValueError(words)
    except ValueError:
        log.exception("caught")


@task()
async def say_between_waits(words: str) -> None:
    log.info("before %s", words)
    await asyncio.gather(asyncio.to_thread(log.info, "beside"), asyncio.sleep(0))
    log.info("after %s", words)


@task()
def say_and_fail(name: str) -> None:
    record_effect.run(name)
    log.info("it goes wrong")
    raise ValueError("after the effect")


@task(retry=QUICK, bind=True)
def say_each_time(self: Any) -> None:
    log.info("try %d", self.request.retries)
    if self.request.retries < 2:
        raise RetryableError("not yet")


@task(bind=True)
def say_and_die_once(self: Any, path: str) -> None:
    """Say something and wait for the file; the first process that sees it there is killed."""
    log.info("last words of fence %s", self.request.id)
    while not Path(path).exists():
        time.sleep(0.05)
    if not Path(f"{path}.killed").exists():
        Path(f"{path}.killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@task()
def say_and_wait(path: str) -> None:
    """Say something now and then until the file is there."""
    number = 0
    while not Path(path).exists():
        log.info("still at %d", number)
        number += 1
        time.sleep(0.2)


@task(sensitive=("password",))
def say_hostile(password: str) -> str:
    log.info("nul \x00, half a pair \ud800, \x1b[31mred\x1b[0m <b>\u202e")
    log.info("%d %s", "no number")
    log.info("%s and %s", Mute(), "others")
    log.info("%s", Echo())
    log.info("x" * 10_000_000)
    log.info("Authorization: Bearer abcdef123456 for %s", password)
    log.log(25, "of\nseveral\nlines")
    log.info({"no": "text"})
    structured.info("mute", value=Mute())
    logging.getLogger("n" * 500).error("")
    if (pid := os.fork()) == 0:
        log.info("of a process that was forked off")
        os._exit(0)
    os.waitpid(pid, 0)
    return "well"


@task()
def say_often(times: int) -> None:
    for number in range(times):
        log.info("number %d", number)


@task(durable=False)
def say_without_ledger(path: str) -> None:
    log.info("nobody keeps this")
    Path(path).touch()
