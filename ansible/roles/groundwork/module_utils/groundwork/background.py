"""Work that goes on beside the next tasks of a play; what came of it waits in a file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.paths import OUTCOME, STATE

if TYPE_CHECKING:
    from collections.abc import Callable


def start(work: Callable[[], dict[str, Any]]) -> None:
    """Do `work` in a process that outlives this one, and holds what file locks this one has."""
    folder(STATE)
    OUTCOME.unlink(missing_ok=True)
    if os.fork():
        return
    try:
        _detach()
        _save(_outcome_of(work))
    finally:
        # Whatever happens: nothing of what the module would do next is done twice.
        os._exit(0)


def result() -> dict[str, Any]:
    """What came of it. Raises its `Failure`; call it when the work has let its locks go."""
    if not OUTCOME.is_file():
        raise Failure("The trial that was started on this host did not end. Run the playbook again.")
    outcome: dict[str, Any] = json.loads(OUTCOME.read_text())
    OUTCOME.unlink()
    if "failure" in outcome:
        raise Failure(outcome["failure"])
    value: dict[str, Any] = outcome["result"]
    return value


def _detach() -> None:
    """Let neither the module's caller wait for us, nor its terminal take us along."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _outcome_of(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return {"result": work()}
    except (Failure, LookupError, ValueError) as error:
        return {"failure": str(error)}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"}


def _save(outcome: dict[str, Any]) -> None:
    beside = OUTCOME.with_name(f".{OUTCOME.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(outcome, stream)
    beside.rename(OUTCOME)
