#!/usr/bin/python
"""Ensure that a release works on a host with the settings it is to have, before it is live."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork import background
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.masking import hide_secrets
from ansible.module_utils.groundwork.host.state import ARGUMENTS, desired_host
from ansible.module_utils.groundwork.install import releases
from ansible.module_utils.groundwork.lock import work_lock
from ansible.module_utils.groundwork.managers.manager import manager_named
from ansible.module_utils.groundwork.paths import CURRENT
from ansible.module_utils.groundwork.switch.plan import plan
from ansible.module_utils.groundwork.trial.load import load, staged_settings
from ansible.module_utils.groundwork.trial.schedules import REFUSE, WARN, check_schedules
from ansible.module_utils.groundwork.trial.soak import candidate_api

DOCUMENTATION = r"""
module: groundwork_trial
short_description: Try a release of Groundwork before it is live
description:
  - Loads the release, migrates the database with its code (O(migrate)), and runs its API beside the live
    one until it is O(soak_seconds) old, asking it twice a second. Nothing of the live release is touched.
  - What nothing would change is not tried.
  - Where the database was migrated, a schedule in it that the release could not fire fails the trial.
  - It goes on beside the next tasks; O(state=passed) waits for its result.
options:
  state:
    type: str
    choices: [started, passed]
    default: started
    description: C(passed) waits for the end of a trial that was started, and fails with its reason.
  release: {type: str, required: true, description: The id of the release; it is installed.}
  migrate: {type: bool, default: false, description: Bring the database to the release's shape.}
  schedules_check:
    type: str
    choices: [refuse, warn]
    default: refuse
    description: What becomes of a release that could not fire a schedule.
  soak_seconds: {type: int, default: 21, description: How old the API is when it has passed.}
  host: {type: dict, required: true, description: See M(groundwork_switch).}
  secrets: {type: dict, default: {}, description: See M(groundwork_switch).}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_trial:
    release: 20261121-0a1b2c3
    host: {groups: [api]}
    migrate: true
- groundwork_trial:
    state: passed
    release: 20261121-0a1b2c3
    host: {groups: [api]}
"""
RETURN = r"""
migration: {type: str, returned: when passed, description: What the migration did.}
answers: {type: int, returned: when passed, description: How often the API answered well.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "choices": ["started", "passed"], "default": "started"},
            "migrate": {"type": "bool", "default": False},
            "schedules_check": {"type": "str", "choices": [REFUSE, WARN], "default": REFUSE},
            "soak_seconds": {"type": "int", "default": 21},
        },
        required_one_of=[("release",)],
        supports_check_mode=True,
    )
    hide_secrets(module)
    if module.check_mode:
        module.exit_json(changed=False)
    try:
        with work_lock():
            if module.params["state"] == "passed":
                module.exit_json(**background.result())
            # With the lock that is held here, until it ends.
            background.start(partial(_try, module.params))
        module.exit_json(changed=False)
    except (Failure, LookupError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


def _try(parameters: dict[str, Any]) -> dict[str, Any]:
    manager = manager_named(parameters["host"]["manager"])
    host = desired_host(parameters, manager=manager)
    steps = plan(host, manager=manager)
    migrate, answers = parameters["migrate"], 0
    with staged_settings(host) as environment, ExitStack() as running:
        ask = None
        if steps.touches("api"):
            ask = running.enter_context(
                candidate_api(host, environment=environment, manager=parameters["host"]["manager"])
            )
        migration = load(host, environment=environment, migrate=migrate) if steps or migrate else ""
        warnings = (
            check_schedules(host, environment=environment, on_problem=parameters["schedules_check"])
            if migrate
            else []
        )
        if ask:
            # On a first install nobody depends on an old version yet.
            answers = ask(parameters["soak_seconds"] if releases.linked(CURRENT) else 1)
    return {
        "changed": migration.startswith("Migrated"),
        "migration": migration,
        "answers": answers,
        "warnings": warnings,
    }


if __name__ == "__main__":
    main()
