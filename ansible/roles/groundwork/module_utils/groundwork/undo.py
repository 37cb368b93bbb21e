"""The way back: what a host was before the deploy that is under way."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.paths import BEFORE, STATE
from ansible.module_utils.groundwork.reason import Failure
from ansible.module_utils.groundwork.switch import apply, plan
from ansible.module_utils.groundwork.wanted import as_json, from_json

if TYPE_CHECKING:
    from ansible.module_utils.groundwork.manager import Manager
    from ansible.module_utils.groundwork.wanted import Host


def remember(before: Host, *, deploy: str) -> None:
    """Keep what the host is, unless this deploy has changed it already."""
    if remembered(deploy=deploy) is not None:
        return
    folder(STATE)
    beside = BEFORE.with_name(f".{BEFORE.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"deploy": deploy, "host": as_json(before)}, stream)
    beside.rename(BEFORE)


def remembered(*, deploy: str) -> Host | None:
    """What the host was before that deploy; None if it has not changed the host."""
    if not BEFORE.is_file():
        return None
    data = json.loads(BEFORE.read_text())
    return from_json(data["host"]) if data["deploy"] == deploy else None


def after(error: Exception, before: Host, *, manager: Manager) -> Failure:
    """Go back; the failure that says what went wrong, and whether the way back went well."""
    failure = error if isinstance(error, Failure) else Failure(str(error))
    was = f"the release {before.release}" if before.release else "nothing installed"
    try:
        apply(before, plan(before, manager=manager), manager=manager)
    except (Failure, LookupError, OSError) as second:
        return Failure(
            f"{failure.sentence} And the way back to {was} failed, so look at this host now: {second}",
            words=failure.words,
        )
    return Failure(f"{failure.sentence} The host is back to {was}.", words=failure.words)
