"""The other workers of this host: of one that has ended without a word, the jobs are given to others."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from app.jobs.transitions import lost_workers
from app.logs.failures import first_line
from app.processes.lives import Life, ended_in
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

_REMEDY = "if it dies, only its heartbeat is missed; set GROUNDWORK_WORKER_FOLDER to a folder it may write to"


def begin_life(name: str) -> Life | None:
    """Show the others of this host that this worker lives, for as long as it does."""
    try:
        return Life(settings().worker_folder, name=name)
    except OSError as error:
        log.warning("life_not_shown", error=first_line(error), remedy=_REMEDY)
        return None


class Neighbours:
    """Those whose lives are shown in the same folder, whatever their pool and their database."""

    def __init__(self, life: Life) -> None:
        self._folder = life.path.parent
        #: Its own, and those that this ledger knows nothing of: a worker on theirs will take them away.
        self._passed_over = {life.path}

    def end_dead(self, *, between: Callable[[], None]) -> None:
        """Do what is to be done for those that are dead; `between` is called after each job."""
        for dead in ended_in(self._folder, besides=self._passed_over):
            found = lost_workers.end_dead(dead.name, between=between)
            if found.jobs:
                # The file stays until there is nothing left.
                log.warning("worker_died", worker=dead.name, jobs=found.jobs)
            elif found.is_known:
                with suppress(OSError):
                    dead.path.unlink()
            else:
                self._passed_over.add(dead.path)
