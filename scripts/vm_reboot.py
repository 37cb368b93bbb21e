"""Boots a machine with jobs under way: how soon all is back, and that no job is lost."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from vagrant_machine import StepFailed

if TYPE_CHECKING:
    from datetime import timedelta

    from vagrant_machine import VagrantMachine

JOBS = 500
TASK = "pricing.recompute_all_discounts"
DONE_SECONDS = 180
#: Sends the jobs at once. What it needs to know comes by standard input: others can read a command line.
SUBMIT = """
import json, urllib.request
job = {{"task": "{task}", "arguments": {{"days_threshold": 30}}}}
request = urllib.request.Request("http://127.0.0.1:8000/api/v1/jobs/batch", method="POST")
request.add_header("Authorization", "Bearer {token}")
request.add_header("Content-Type", "application/json")
urllib.request.urlopen(request, data=json.dumps({{"jobs": [job] * {jobs}}}).encode(), timeout=60).read()
"""
SETTLED = "systemctl is-system-running --wait || true"
STARTS = "systemctl show --property=ActiveState,ActiveEnterTimestampMonotonic "
STARTS += "'groundwork*' 'redis*' 'postgresql*' 'nginx*'"


def reboot(machine: VagrantMachine, *, limit: timedelta) -> None:
    """Do it. Raises `StepFailed`."""
    before = _done(machine)
    made = machine.run("sudo groundwork token create --name reboot --scope '*' --expires 1h --json")
    machine.run("python3 -", stdin=SUBMIT.format(task=TASK, token=json.loads(made)["secret"], jobs=JOBS))
    with machine.timed("reboot: until it lets us in"):
        machine.reboot()
    with machine.timed("reboot: until systemd is settled"):
        state = machine.run(SETTLED)
    seconds = _last_start(machine.run(STARTS))
    machine.seconds["reboot: kernel to all active"] = seconds
    if state != "running" or seconds > limit.total_seconds():
        failed = machine.run("systemctl --failed --no-legend")
        raise StepFailed(
            f'After the reboot the machine is "{state}" ({failed or "no unit failed"}), and the last service '
            f"was up after {seconds:.0f} s; it must be running, within {limit.total_seconds():.0f} s."
        )
    with machine.timed(f"reboot: until {JOBS} jobs are done"):
        _await(machine, done=before + JOBS)
    machine.passed += 1


def _last_start(shown: str) -> float:
    """Seconds from the start of the kernel until the last unit was active."""
    units = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n")]
    return (
        max(int(unit["ActiveEnterTimestampMonotonic"]) for unit in units if unit["ActiveState"] == "active")
        / 1e6
    )


def _done(machine: VagrantMachine) -> int:
    counted = json.loads(machine.run("sudo groundwork jobs stats --json"))
    return sum(row["done"] for row in counted if row["task"] == TASK)


def _await(machine: VagrantMachine, *, done: int) -> None:
    deadline = time.monotonic() + DONE_SECONDS
    while (counted := _done(machine)) < done:
        if time.monotonic() > deadline:
            raise StepFailed(
                f"{done - counted} of {JOBS} jobs were accepted before the reboot and are not done "
                f"{DONE_SECONDS} s after it."
            )
