"""Puts the service on blank hosts with the real playbook and looks at what came of it: `scripts/test host`.

The hosts are containers that boot Debian (molecule drives them). Runs may go beside each other: each has a
folder below `var/host/`, with the log of every step, and containers and a network of its own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from containers import ready_engine, ready_image
from molecule_run import MoleculeRun, StepFailed
from packages import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the hosts of a scenario boot, and what is tried on them after the tests of every host."""

    init: str = "systemd"
    tests: tuple[str, ...] = ()


SCENARIOS = {
    "default": Scenario(),
    "cluster": Scenario(
        tests=("tests/host/monitoring/rehearse_alerts.py", "tests/host/monitoring/rehearse_monitoring.py")
    ),
    "supervisor": Scenario(init="sysvinit"),
    "rabbitmq": Scenario(tests=("tests/host/rabbitmq/rehearse_uninstall.py",)),
    "crowded": Scenario(tests=("tests/host/crowded/rehearse_conflicts.py",)),
}
SUITES = {"12": "bookworm", "13": "trixie"}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/test host", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)} (all)")
    parser.add_argument("--debian", choices=SUITES, default="12", help="the release of the hosts (12)")
    parser.add_argument(
        "--keep", action="store_true", help="leave the hosts running, and use them again the next time"
    )
    given = parser.parse_args()
    unknown = sorted(set(given.scenarios) - set(SCENARIOS))
    if unknown:
        parser.error(f'there is no scenario "{unknown[0]}"; there are {", ".join(SCENARIOS)}')
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        engine = ready_engine()
        runs = [
            _run(name, debian=given.debian, keep=given.keep, engine=engine)
            for name in given.scenarios or SCENARIOS
        ]
    except SetupFailed as problem:
        sys.exit(str(problem))
    _tell_times(runs)
    passed, failed = (sum(run.counts[index] for run in runs) for index in (0, 1))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def _run(name: str, *, debian: str, keep: bool, engine: str) -> MoleculeRun:
    image = os.environ.get("GROUNDWORK_HOST_IMAGE")
    image = ready_image(image, suite=SUITES[debian], init=SCENARIOS[name].init, engine=engine)
    suffix = "keep" if keep else str(os.getpid())
    run = MoleculeRun(name, image=image, folder=ROOT / "var" / "host" / f"{name}-{debian}-{suffix}")
    print(f"== {name} on Debian {debian} ({run.folder.relative_to(ROOT)})")
    with _destroyed_after(run, keep=keep):
        try:
            run.step("create")
            run.use_one_release()
            run.step("converge")
            run.step("idempotence")
        except StepFailed as failure:
            print(failure)
            run.counts = (0, 1)
        else:
            # One after the other: pytest leaves out a file that lies in a folder which it is given as well.
            for tests in ("tests/host", *SCENARIOS[name].tests):
                run.verify(tests)
    return run


@contextmanager
def _destroyed_after(run: MoleculeRun, *, keep: bool) -> Iterator[None]:
    try:
        yield
    finally:
        if not keep:
            run.step("destroy")


def _tell_times(runs: list[MoleculeRun]) -> None:
    for run in runs:
        taken = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in run.seconds.items())
        print(f"{run.scenario}: {taken}")


if __name__ == "__main__":
    main()
