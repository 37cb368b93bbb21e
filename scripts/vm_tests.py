"""Makes a virtual machine with `vagrant up`, looks at what came of it, boots it again: `scripts/test vm`.

It is a machine of its own, beside the one that `vagrant up` makes for a person; all of it, with the logs, is
below `var/vm/`. GROUNDWORK_VM_BOX and GROUNDWORK_VM_DRIVER choose box and driver as they do for the
Vagrantfile; else the box is built here, and the driver is kvm, or emulation where there is none.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from hypervisor import BOX_PACKAGES, PACKAGES, driver, hypervisor
from packages import SetupFailed, ensure
from vagrant_machine import StepFailed, VagrantMachine
from vm_reboot import reboot

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "vm"
#: By when all must be active again after a boot. Under emulation it takes 45 s where nothing else runs.
BOOT = {"kvm": timedelta(seconds=60), "qemu": timedelta(minutes=2)}
SUITES = {"12": "bookworm", "13": "trixie"}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/test vm", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--debian", choices=SUITES, default="12", help="the release of the box (12)")
    parser.add_argument("--keep", action="store_true", help="leave the machine running until Ctrl-C")
    given = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = VagrantMachine(folder=FOLDER, driver=os.environ.get("GROUNDWORK_VM_DRIVER") or driver())
    try:
        ensure(*PACKAGES)
        with hypervisor(FOLDER / "libvirt"):
            _rehearse(machine, suite=SUITES[given.debian], keep=given.keep)
    except (SetupFailed, StepFailed) as problem:
        sys.exit(str(problem))
    for step, seconds in machine.seconds.items():
        print(f"{step:<40} {seconds:>6.0f} s")
    print(f"{machine.passed} passed, {machine.failed} failed")
    sys.exit(1 if machine.failed or not machine.passed else 0)


def _rehearse(machine: VagrantMachine, *, suite: str, keep: bool) -> None:
    box = os.environ.get("GROUNDWORK_VM_BOX") or _own_box(machine, suite=suite)
    try:
        machine.up(box)
        machine.verify("verify")
        reboot(machine, limit=BOOT[machine.driver])
        machine.verify("verify after the reboot")
    except StepFailed as problem:
        print(problem)
        machine.failed += 1
    finally:
        if keep:
            _wait_for_interrupt(machine)
        with machine.timed("destroy"):
            machine.destroy()


def _own_box(machine: VagrantMachine, *, suite: str) -> str:
    ensure(*BOX_PACKAGES)
    with machine.timed("box"):
        built = subprocess.run(
            [ROOT / "scripts" / "build-box", suite], stdout=subprocess.PIPE, text=True, check=False
        )
    if built.returncode != 0:
        raise SetupFailed(f"Building the box of {suite} failed (above).")
    name = f"groundwork/{suite}"
    machine.add_box(name, file=Path(built.stdout.split()[-1]))
    return name


def _wait_for_interrupt(machine: VagrantMachine) -> None:
    print(f"The machine runs: ssh -F {machine.ssh_config} {machine.name}. Ctrl-C destroys it.")
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.pause()


if __name__ == "__main__":
    main()
