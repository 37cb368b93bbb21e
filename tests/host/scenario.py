"""The playbooks, as the operator of a molecule scenario runs them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.host.machines import INVENTORY
from tests.host.rehearsals.playbook import Playbook

ANSIBLE = Path(__file__).parents[2] / "ansible"


def play(name: str, *variables: str, check: bool = False) -> Playbook:
    """Start one, with these variables; to `check` is to change nothing."""
    inventory = Path(os.environ[INVENTORY])
    operator = inventory.parents[1] / "operator"
    extra = [word for variable in variables for word in ("--extra-vars", variable)]
    return Playbook.start(
        name,
        inventory=inventory,
        ansible=ANSIBLE,
        arguments=["-i", str(operator), *extra, *(["--check"] if check else [])],
    )
