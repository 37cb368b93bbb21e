#!/usr/bin/python
"""Ensure that the services of a host run, do not run, or are gone for good."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork import removal
from ansible.module_utils.groundwork.lock import at_work
from ansible.module_utils.groundwork.manager import manager_named
from ansible.module_utils.groundwork.reason import Failure
from ansible.module_utils.groundwork.wanted import present_host

DOCUMENTATION = r"""
module: groundwork_power
short_description: Start, stop or remove what was deployed to a host
options:
  state:
    type: str
    choices: [started, stopped, absent]
    required: true
    description:
      - C(stopped) lasts until a start, a deploy or a boot. Workers get the time they need to give jobs back.
      - C(absent) removes releases, settings and units too.
  purge: {type: bool, default: false, description: With C(absent), remove data, logs and the user too.}
  manager: {type: str, choices: [systemd, supervisor], default: systemd, description: Runs the services.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_power:
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
            module.exit_json(**act(module.params, only_look=True))
        with at_work():
            result = act(module.params, only_look=False)
        module.exit_json(**result)
    except (Failure, LookupError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))


def _start(parameters: dict[str, Any], *, only_look: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    idle = [one for one in present_host().instances if not manager.is_running(one)]
    for instance in idle if not only_look else ():
        manager.enable(instance)
        manager.start(instance)
    return {"changed": bool(idle), "services": [one.name for one in idle]}


def _stop(parameters: dict[str, Any], *, only_look: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    busy = [one for one in present_host().instances if manager.seen(one)[0] not in ("inactive", "failed")]
    if busy and not only_look:
        manager.pause(busy)
    return {"changed": bool(busy), "services": [one.name for one in busy]}


def _remove(parameters: dict[str, Any], *, only_look: bool) -> dict[str, Any]:
    manager = manager_named(parameters["manager"])
    purge = parameters["purge"]
    services = [one.name for one in present_host().instances]
    left = removal.remains(purge=purge)
    if left and not only_look:
        removal.remove(purge=purge, manager=manager)
    return {"changed": bool(left), "services": services}


if __name__ == "__main__":
    main()
