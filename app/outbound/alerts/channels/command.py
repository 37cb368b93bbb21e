"""Alerts to a program of the operator's: started without a shell, given JSON, bounded in time and output."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.logs.masking import excerpt
from app.outbound.alerts.channels.channel import Channel
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.outbound.alerts.message import AlertMessage
    from app.outbound.deliveries.outcome import HandOver

DEADLINE = timedelta(seconds=15)
#: More of what it says is not kept.
MAX_OUTPUT_BYTES = 4_096
#: It gets none of the service's settings, which hold secrets.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def command(argv: Sequence[str]) -> Channel:
    """The channel of that program."""
    return Channel(name=f"command {Path(argv[0]).name}", send=partial(_send, argv))


def _send(argv: Sequence[str], message: AlertMessage, handover: HandOver) -> str:
    program = argv[0]
    with _started(argv, handover=handover) as process:
        given = json.dumps(message.as_json(), ensure_ascii=False).encode()
        # It fits into the pipe, so a program that reads nothing holds nobody up.
        with suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), given)  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]
        said = _output(process)
        code = process.poll()
    if code is None:
        raise OutcomeUnknown(f"{program} did not end within {DEADLINE.total_seconds():g} s and was killed.")
    if code != 0:
        how = f"ended with {code}" if code > 0 else f"was killed by signal {-code}"
        raise NotSent(f"{program} {how}: {excerpt(said) or 'it said nothing'}")
    return ""


@contextmanager
def _started(argv: Sequence[str], *, handover: HandOver) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(  # noqa: S603 (no shell; the operator's own setting)
            argv,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise NotSent(f"{argv[0]} cannot be started: {error.strerror}.") from None
    handover.begin()
    try:
        yield process
    finally:
        # With whatever it started, and also when this process is told to stop.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def _output(process: subprocess.Popen[bytes]) -> str:
    """The beginning of what it says until it ends, or the time is up."""
    until = time.monotonic() + DEADLINE.total_seconds()
    pipe, said = process.stdout.fileno(), b""  # type: ignore[union-attr]
    ended = os.pidfd_open(process.pid)
    watched = [pipe, ended]
    try:
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select(watched, [], [], left)
            if pipe in ready:
                part = os.read(pipe, MAX_OUTPUT_BYTES)
                said = (said + part)[:MAX_OUTPUT_BYTES]
                if not part:
                    watched.remove(pipe)
            elif ended in ready:
                break
    finally:
        os.close(ended)
    return said.decode(errors="replace")
