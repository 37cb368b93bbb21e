#!/usr/bin/python
"""Ensure that a host runs one release with its settings: all of it, or what it ran before."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.masking import hide_secrets
from ansible.module_utils.groundwork.host.state import ARGUMENTS, current_host, desired_host
from ansible.module_utils.groundwork.install import releases
from ansible.module_utils.groundwork.lock import work_lock
from ansible.module_utils.groundwork.managers.manager import manager_named
from ansible.module_utils.groundwork.switch import rollback
from ansible.module_utils.groundwork.switch.apply import apply
from ansible.module_utils.groundwork.switch.health import check_running, check_work
from ansible.module_utils.groundwork.switch.plan import plan

DOCUMENTATION = r"""
module: groundwork_switch
short_description: Make a release of Groundwork live on a host
description:
  - Puts settings, secrets and units in place, switches the link of the live release, and starts, reloads,
    restarts or removes the services that this concerns, and no others. Workers take a new release without
    giving up the jobs they have.
  - Then sends a job through each pool's queue, asks the API, and checks that all services stayed up.
  - When any of that fails, the host is put back to what it was, and the module fails with the reason.
options:
  state:
    type: str
    choices: [live, rolled_back]
    default: live
    description: C(rolled_back) goes back to what the host was before the deploy called O(deploy).
  deploy: {type: str, required: true, description: A name for the deploy, which may be undone.}
  release: {type: str, description: The id of the release, or C(previous). It is installed.}
  host:
    type: dict
    required: true
    description: The host as it is to be.
    suboptions:
      groups: {type: list, elements: str, default: [], description: Which of C(api), C(workers), C(beat).}
      pools: {type: list, elements: str, default: [], description: The pools to run. Empty is all there are.}
      without: {type: list, elements: str, default: [], description: Services that do not run all the same.}
      settings: {type: dict, default: {}, description: Settings without prefix, for C(groundwork.env).}
      pool_settings: {type: dict, default: {}, description: By pool, settings that differ for its workers.}
      unit_files: {type: dict, default: {}, description: Drop-ins, by their path below the units' folder.}
      address: {type: str, default: "127.0.0.1:8000", description: Where the API listens, and is asked.}
      manager: {type: str, choices: [systemd, supervisor], default: systemd, description: Runs the services.}
  secrets: {type: dict, default: {}, description: Settings that each get a file of their own.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_switch:
    deploy: ops@desk-4711
    release: 20261121-0a1b2c3
    host:
      groups: [api, workers, beat]
      settings: {log_dir: /var/log/groundwork}
    secrets: "{{ groundwork_secrets }}"
"""
RETURN = r"""
release: {type: str, returned: always, description: The release that is live now.}
services: {type: dict, returned: always, description: By service, what was done to it.}
files: {type: list, elements: str, returned: always, description: The files that changed.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "choices": ["live", "rolled_back"], "default": "live"},
            "deploy": {"type": "str", "required": True},
        },
        required_if=[("state", "live", ("release",))],
        supports_check_mode=True,
    )
    hide_secrets(module)
    os.umask(0o022)
    # A controller that goes away takes its terminal along; what was begun is brought to an end all the same.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    go = _go_back if module.params["state"] == "rolled_back" else _go_live
    try:
        if module.check_mode:
            module.exit_json(**go(module.params, check_mode=True))
        with work_lock():
            result = go(module.params, check_mode=False)
        module.exit_json(**result)
    except (Failure, LookupError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


def _go_live(parameters: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    asked = parameters["release"]
    if check_mode and asked != "previous" and not releases.is_installed(asked):
        return {"changed": True, "release": asked, "services": {}, "files": []}
    manager = manager_named(parameters["host"]["manager"])
    wanted = desired_host(parameters, manager=manager)
    steps = plan(wanted, manager=manager)
    files = [str(path) for path in steps.paths]
    if check_mode or not steps:
        return {
            "changed": bool(steps),
            "release": wanted.release,
            "services": steps.summary(),
            "files": files,
        }
    before = current_host(also=wanted.files)
    rollback.save(before, deploy=parameters["deploy"])
    try:
        check = partial(check_work, wanted, address=parameters["host"]["address"], manager=manager)
        done = apply(wanted, steps, manager=manager, check=check)
        check_running(wanted, manager=manager)
    except (Failure, LookupError, OSError) as error:
        raise rollback.roll_back(error, before, manager=manager) from error
    return {"changed": True, "release": wanted.release, "services": done, "files": files}


def _go_back(parameters: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    manager = manager_named(parameters["host"]["manager"])
    before = rollback.saved(deploy=parameters["deploy"])
    if before is None:
        return {"changed": False, "release": current_host().release, "services": {}, "files": []}
    steps = plan(before, manager=manager)
    done = steps.summary() if check_mode else apply(before, steps, manager=manager)
    files = [str(path) for path in steps.paths]
    return {"changed": bool(steps), "release": before.release, "services": done, "files": files}


if __name__ == "__main__":
    main()
