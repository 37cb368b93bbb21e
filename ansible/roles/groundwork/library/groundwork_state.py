#!/usr/bin/python
"""Ensure that the services of a host run, do not run, or are gone for good."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.state import current_host
from ansible.module_utils.groundwork.lock import work_lock
from ansible.module_utils.groundwork.managers.manager import manager_named
from ansible.module_utils.groundwork.uninstall import removal

DOCUMENTATION = r"""
module: groundwork_state
short_description: Start, stop or remove what was deployed to a host
options:
  state:
    type: str
    choices: [started, stopped, absent]
    required: true
    description:
      - C(stopped) lasts until a start, a deploy or a boot. Workers get the time to release their jobs.
      - C(absent) removes releases, settings and units too.
  purge: {type: bool, default: false, description: With C(absent), remove data, logs and the user too.}
  manager: {type: str, choices: [systemd, supervisor], default: systemd, description: Runs the services.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_state:
    state: stopped
"""
RETURN = r"""
services: {type: list, elements: str, returned: always, description: The services that this concerned.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "required": True},
            "purge": {"type": "bool", "default": False},
            "manager": {"type": "str", "choices": ["systemd", "supervisor"], "default": "systemd"},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    act = {"started": _start, "stopped": _stop, "absent": _remove}[module.params["state"]]
    try:
        if module.check_mode:
            module.exit_json(**act(module.params, check_mode=True))
        with work_lock():
            result = act(module.params, check_mode=False)
        module.exit_json(**result)
    except (Failure, LookupError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))


def _start(parameters: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    idle = [one for one in current_host().instances if not manager.is_running(one)]
    for instance in idle if not check_mode else ():
        manager.enable(instance)
        manager.start(instance)
    return {"changed": bool(idle), "services": [one.name for one in idle]}


def _stop(parameters: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    busy = [one for one in current_host().instances if manager.status(one)[0] not in ("inactive", "failed")]
    if busy and not check_mode:
        manager.stop(busy)
    return {"changed": bool(busy), "services": [one.name for one in busy]}


def _remove(parameters: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    purge = parameters["purge"]
    services = [one.name for one in current_host().instances]
    left = removal.remaining(purge=purge)
    if left and not check_mode:
        removal.remove(purge=purge, manager=manager)
    return {"changed": bool(left), "services": services}


if __name__ == "__main__":
    main()
