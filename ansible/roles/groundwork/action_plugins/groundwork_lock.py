"""Who deploys from this controller, and whether the one who holds a host's lock still does."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

#: A holder that nobody can ask about is taken for gone after this, and then only on demand.
STALE_AFTER = timedelta(minutes=30)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Acquires or releases the lock, in the name of this run of the playbook."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        super().run(tmp, task_vars)
        arguments = self._task.args
        mine = identity(playbook=str(arguments.get("playbook", "")))
        state = arguments.get("state", "present")
        result = self._module(state=state, mine=mine, task_vars=task_vars)
        holder = result.get("holder")
        if holder and (is_gone(holder) or (arguments.get("force") and is_stale(holder))):
            result = self._module(state=state, mine=mine, stale_holder=holder, task_vars=task_vars)
            holder = result.get("holder")
        if holder:
            result |= {"failed": True, "msg": refusal(holder)}
        return result | {"deploy": f"{mine['holder']} {mine['pid']} {mine['started']} {mine['boot']}"}

    def _module(self, *, task_vars: dict[str, Any] | None, **arguments: Any) -> dict[str, Any]:
        done = self._execute_module(module_name="groundwork_lock", module_args=arguments, task_vars=task_vars)
        return dict(done)


def identity(*, playbook: str) -> dict[str, Any]:
    """This run of ansible-playbook: a process of this controller that no other can be taken for."""
    pid = os.getppid()
    return {
        "holder": f"{getpass.getuser()}@{socket.gethostname()}",
        "controller": _controller(),
        "boot": _text_of(Path("/proc/sys/kernel/random/boot_id")),
        "pid": pid,
        "started": process_start(pid),
        "since": time.time(),
        "playbook": playbook,
    }


def is_gone(holder: dict[str, Any]) -> bool:
    """Whether the holder ran here and has ended; of other controllers nothing is known."""
    if holder.get("controller") != _controller():
        return False
    same_boot = holder.get("boot") == _text_of(Path("/proc/sys/kernel/random/boot_id"))
    return not same_boot or process_start(int(holder["pid"])) != holder.get("started")


def is_stale(holder: dict[str, Any]) -> bool:
    """Whether the holder has had the lock for so long that it may be taken on demand."""
    return _age(holder) > STALE_AFTER


def refusal(holder: dict[str, Any]) -> str:
    """Why we cannot deploy now, and what to do about it."""
    since = datetime.fromtimestamp(float(holder["since"]), tz=UTC)
    left = max(0, round((STALE_AFTER - _age(holder)).total_seconds() / 60))
    when = f"in {left} min" if left else "now"
    return (
        f"{holder['holder']} is deploying to this host: {holder['playbook']}, process {holder['pid']} there, "
        f"since {since:%H:%M:%S} UTC ({round(_age(holder).total_seconds())} s ago). Wait until it has ended. "
        f"If it was killed, run it again from there; from elsewhere, -e groundwork_force_unlock=true "
        f"takes over ({when})."
    )


def process_start(pid: int) -> str | None:
    """When the process started, in whatever form; None when there is none. A number may be used again."""
    try:
        # The name, in parentheses, may hold blanks; the 20th field after it is the start.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return None
    asked = subprocess.run(  # noqa: S603
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        check=False,
        text=True,
    )
    return asked.stdout.strip() or None


def _age(holder: dict[str, Any]) -> timedelta:
    return timedelta(seconds=time.time() - float(holder["since"]))


def _controller() -> str:
    return _text_of(Path("/etc/machine-id")) or socket.gethostname()


def _text_of(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
