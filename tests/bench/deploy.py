"""What an operator waits for, on a blank host: `scripts/bench-deploy`.

Prints seconds beside what is promised, and where they went, role by role.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.host.rehearsals.host import blank_host
from tests.host.rehearsals.state import main_pids

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host
    from tests.host.rehearsals.playbook import Playbook

#: Time that belongs to a role and is worth a line.
WORTH_A_LINE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured thing, its bound, and what else must be true of it."""

    what: str
    seconds: float
    bound: float
    run: Playbook
    problem: str = ""

    @property
    def is_met(self) -> bool:
        return self.seconds <= self.bound and not self.problem


def measure(host: Host) -> list[Figure]:
    """From a blank host to a rollback."""
    figures = [_first_job(host), _same_again(host)]
    changed = host.checkout.release({"app/rehearsal/__init__.py": "# Another release.\n"})
    release = host.deploy(changed).succeed()
    figures.append(Figure(what="code-only release", seconds=release.seconds, bound=60, run=release))
    back = host.play("rollback.yml").succeed()
    problem = (
        "" if host.release == host.base.id else f"{host.release} is live, and {host.base.id} was expected"
    )
    figures.append(Figure(what="rollback", seconds=back.seconds, bound=30, run=back, problem=problem))
    return figures


def _first_job(host: Host) -> Figure:
    began = time.monotonic()
    run = host.deploy(host.base).succeed()
    job = host.service.finish(host.service.submit("rehearsal.nap", name="first", seconds=0))
    problem = "" if job["state"] == "done" else f"the job is {job['state']}: {job['error']}"
    seconds = time.monotonic() - began
    return Figure(what="blank host to first job done", seconds=seconds, bound=300, run=run, problem=problem)


def _same_again(host: Host) -> Figure:
    before = main_pids(host.container)
    run = host.deploy(host.base).succeed()
    problems = []
    if run.changed:
        problems.append(f"changed={run.changed}")
    if main_pids(host.container) != before:
        problems.append("a service was restarted")
    return Figure(
        what="the same again", seconds=run.seconds, bound=60, run=run, problem=" and ".join(problems)
    )


def report(figures: list[Figure]) -> str:
    """Two tables."""
    lines = ["| what | seconds | bound | |", "| --- | ---: | ---: | --- |"]
    for figure in figures:
        transition = "met" if figure.is_met else figure.problem or "missed"
        lines.append(f"| {figure.what} | {figure.seconds:.1f} | {figure.bound:.0f} | {transition} |")
    roles = list(dict.fromkeys(role for figure in figures for role in figure.run.seconds_by_role()))
    lines += ["", f"| seconds by role | {' | '.join(figure.what for figure in figures)} |"]
    lines.append("| --- |" + " ---: |" * len(figures))
    for role in roles:
        spent = [figure.run.seconds_by_role().get(role, 0.0) for figure in figures]
        if max(spent) >= WORTH_A_LINE_SECONDS:
            lines.append(f"| {role} | {' | '.join(f'{seconds:.1f}' for seconds in spent)} |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench-deploy", description="Measure deploys on a blank host."
    )
    parser.add_argument("--slowest", type=int, default=0, metavar="N", help="name the N slowest tasks, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        name = f"groundwork-bench-{os.getpid()}"
        with blank_host(name, folder=Path(folder)) as host:
            figures = measure(host)
    print(report(figures))
    for figure in figures if given.slowest else []:
        print(f"\n{figure.what}:")
        for step in sorted(figure.run.steps(), key=lambda step: -step.seconds)[: given.slowest]:
            print(f"  {step.seconds:6.1f}  {step.role} : {step.name}")
    sys.exit(0 if all(figure.is_met for figure in figures) else 1)


if __name__ == "__main__":
    main()
