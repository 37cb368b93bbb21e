#!/usr/bin/python
"""Look at what a host runs, without changing it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.managers.manager import manager_named
from ansible.module_utils.groundwork.status import overview

DOCUMENTATION = r"""
module: groundwork_status
short_description: Look at what a host runs
description: Says which release is live, how its services are, how many jobs there are, and what is not well.
options:
  manager: {type: str, choices: [systemd, supervisor], default: systemd, description: Runs the services.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_status:
"""
RETURN = r"""
lines: {type: list, elements: str, returned: always, description: The overview.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "manager": {"type": "str", "choices": ["systemd", "supervisor"], "default": "systemd"}
        },
        supports_check_mode=True,
    )
    try:
        lines = overview(manager=manager_named(module.params["manager"]))
    except (LookupError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, lines=lines)


if __name__ == "__main__":
    main()
