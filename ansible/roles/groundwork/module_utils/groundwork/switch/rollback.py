"""The way back: what a host was before the deploy that is under way, and how it becomes that again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.host.state import as_json, from_json
from ansible.module_utils.groundwork.paths import BEFORE, STATE
from ansible.module_utils.groundwork.switch.apply import apply
from ansible.module_utils.groundwork.switch.plan import plan

if TYPE_CHECKING:
    from ansible.module_utils.groundwork.host.state import Host
    from ansible.module_utils.groundwork.managers.manager import Manager


def save(before: Host, *, deploy: str) -> None:
    """Keep what the host is, unless this deploy has changed it already."""
    if saved(deploy=deploy) is not None:
        return
    folder(STATE)
    beside = BEFORE.with_name(f".{BEFORE.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"deploy": deploy, "host": as_json(before)}, stream)
    beside.rename(BEFORE)


def saved(*, deploy: str) -> Host | None:
    """What the host was before that deploy; None if it has not changed the host."""
    if not BEFORE.is_file():
        return None
    data = json.loads(BEFORE.read_text())
    return from_json(data["host"]) if data["deploy"] == deploy else None


def roll_back(error: Exception, before: Host, *, manager: Manager) -> Failure:
    """Go back; the failure that says what went wrong, and whether the way back went well."""
    failure = error if isinstance(error, Failure) else Failure(str(error))
    was = f"the release {before.release}" if before.release else "nothing installed"
    try:
        apply(before, plan(before, manager=manager), manager=manager)
    except (Failure, LookupError, OSError) as second:
        return Failure(
            f"{failure.message} And the way back to {was} failed, so look at this host now: {second}",
            output=failure.output,
        )
    return Failure(f"{failure.message} The host is back to {was}.", output=failure.output)
