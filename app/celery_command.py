"""Runs a service that is one of Celery's commands, and loads no other of them.

`python -m celery` loads all of them, with an interactive prompt and Flower's web server: an eighth of the
time that a worker takes to start.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from app.jobs.celery.without_ledger.application import make_watching_celery
from app.logs.failures import ExitCode
from app.processes.lean_libraries import hidden
from app.settings.sources import ConfigError

with hidden("pygments"):
    # It would colour results on a terminal.
    from celery.bin.base import CLIContext

if TYPE_CHECKING:
    from celery import Celery

#: Where each service's command is, and whether it needs the ledger.
COMMANDS = {"worker": "celery.bin.worker", "beat": "celery.bin.beat", "flower": "flower.command"}
OF_THE_LEDGER = ("worker", "beat")


def main(arguments: list[str]) -> int:
    """Run `arguments`, which begin with the name of the command; the exit code."""
    try:
        code = _run(arguments[0], arguments)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_CONFIGURATION
    if arguments[0] == "flower":
        _leave()
    return code if isinstance(code, int) else ExitCode.OK


def _run(service: str, arguments: list[str]) -> Any:
    celery_app = application_for(service)
    command = getattr(import_module(COMMANDS[service]), service)
    # As Celery does for its own group of commands.
    command.params.extend(celery_app.user_options[service])
    # Quiet: Celery's banners would stand between the lines of a JSON log.
    context = CLIContext(app=celery_app, no_color=True, workdir=None, quiet=True)
    return click.Group(commands={service: command}).main(arguments, obj=context, standalone_mode=False)


def application_for(service: str) -> Celery:
    """The application that the service runs with. Raises `ConfigError` for what it could not run with."""
    if service not in OF_THE_LEDGER:
        return make_watching_celery()
    # Not above: Flower needs none of it, and what the application refuses while it is loaded is said in one
    # sentence, too.
    from app.celery_app import celery_app
    from app.db.migrations.revisions import refuse_outdated
    from app.worker.time_limits import refuse_unknown

    refuse_outdated()
    refuse_unknown()
    return celery_app


def _leave() -> NoReturn:
    """End without the threads that Flower asks workers in: while Redis is away they go on asking for ever."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
