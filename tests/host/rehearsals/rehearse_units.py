"""The units under stops, outages and rotations: `tests/host/units` on the rehearsals' own host."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.host.machines import ONE_HOST
from tests.host.rehearsals.container import ROOT

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host

UNITS = ROOT / "tests" / "host" / "units"


@pytest.mark.parametrize("what", sorted(path.name for path in UNITS.glob("rehearse_*.py")))
def test_units_keep_their_promises(what: str, host: Host) -> None:
    container = host.container
    address = f"ssh://operator@{container.address}?sudo=True&ssh_identity_file={container.key}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-s"]
    done = subprocess.run(
        [*command, "-o", "python_files=rehearse_*.py", UNITS / what],
        cwd=ROOT,
        env=os.environ | {ONE_HOST: address},
        check=False,
    )
    assert done.returncode == 0
