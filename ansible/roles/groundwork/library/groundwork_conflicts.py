#!/usr/bin/python
"""Ensure that the names and ports of a deploy are free or ours, and record them as ours."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.ownership import conflicts, owned
from ansible.module_utils.groundwork.ownership.names import names_of

DOCUMENTATION = r"""
module: groundwork_conflicts
short_description: Find conflicts with what others have on a host, and claim the names that are free
options:
  state:
    type: str
    choices: [checked, claimed]
    default: checked
    description: C(checked) changes nothing; C(claimed) fails at a conflict, and records what is ours.
  parts: {type: list, elements: str, required: true, description: What the host is to have.}
  redis_port: {type: raw, default: 0, description: Where our Redis is to listen; 0 for nowhere.}
  rabbitmq_port: {type: raw, default: 0, description: Where our RabbitMQ is to listen; 0 for nowhere.}
  postgresql_port: {type: raw, default: 0, description: Where our PostgreSQL is to listen.}
  proxy_ports: {type: list, elements: raw, default: [], description: Where nginx is to listen.}
  server_names: {type: list, elements: str, default: [], description: What our site is called by.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_conflicts:
    parts: [host, redis]
    redis_port: 6379
"""
RETURN = r"""
conflicts: {type: list, elements: str, returned: always, description: A sentence for each.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["checked", "claimed"], "default": "checked"},
            "parts": {"type": "list", "elements": "str", "required": True},
            "redis_port": {"type": "raw", "default": 0},
            "rabbitmq_port": {"type": "raw", "default": 0},
            "postgresql_port": {"type": "raw", "default": 0},
            "proxy_ports": {"type": "list", "elements": "raw", "default": []},
            "server_names": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        found = _conflicts(module.params)
    except (Failure, OSError) as error:
        module.fail_json(msg=str(error))
    if module.params["state"] == "checked":
        module.exit_json(changed=False, conflicts=found)
    if found:
        module.fail_json(msg="\n".join(["Nothing was changed.", *found]))
    changed = not module.check_mode and owned.add(names=names_of(module.params["parts"]), account=True)
    module.exit_json(changed=changed, conflicts=[])


def _conflicts(parameters: dict[str, Any]) -> list[str]:
    claim = conflicts.Claim(
        parts=parameters["parts"],
        redis_port=_port(parameters["redis_port"]),
        rabbitmq_port=_port(parameters["rabbitmq_port"]),
        postgresql_port=_port(parameters["postgresql_port"]),
        proxy_ports=tuple(map(_port, parameters["proxy_ports"])),
        server_names=tuple(parameters["server_names"]),
    )
    return conflicts.found(claim, owned=owned.read())


def _port(given: object) -> int:
    """What is not a number is reported where the variables are checked."""
    return int(str(given)) if str(given).isdecimal() else 0


if __name__ == "__main__":
    main()
