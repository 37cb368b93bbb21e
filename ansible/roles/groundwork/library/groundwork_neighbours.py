#!/usr/bin/python
"""See that the names and ports of a deploy are free on a host or ours, and note that they are taken."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork import made, neighbours
from ansible.module_utils.groundwork.claims import names_of
from ansible.module_utils.groundwork.reason import Failure

DOCUMENTATION = r"""
module: groundwork_neighbours
short_description: See what of others stands where a deploy would put something, and take what is free
options:
  state:
    type: str
    choices: [looked, taken]
    default: looked
    description: C(looked) changes nothing; C(taken) fails if something is in the way, and notes what is ours.
  parts: {type: list, elements: str, required: true, description: What the host is to have.}
  redis_port: {type: raw, default: 0, description: Where our Redis is to listen; 0 for nowhere.}
  postgresql_port: {type: raw, default: 0, description: Where our PostgreSQL is to listen.}
  proxy_ports: {type: list, elements: raw, default: [], description: Where nginx is to listen.}
  server_names: {type: list, elements: str, default: [], description: What our site is called by.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_neighbours:
    parts: [host, redis]
    redis_port: 6379
"""
RETURN = r"""
mistakes: {type: list, elements: str, returned: always, description: A sentence for each thing in the way.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["looked", "taken"], "default": "looked"},
            "parts": {"type": "list", "elements": "str", "required": True},
            "redis_port": {"type": "raw", "default": 0},
            "postgresql_port": {"type": "raw", "default": 0},
            "proxy_ports": {"type": "list", "elements": "raw", "default": []},
            "server_names": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        mistakes = _mistakes(module.params)
    except (Failure, OSError) as error:
        module.fail_json(msg=str(error))
    if module.params["state"] == "looked":
        module.exit_json(changed=False, mistakes=mistakes)
    if mistakes:
        module.fail_json(msg="\n".join(["Nothing was changed.", *mistakes]))
    changed = not module.check_mode and made.note(names=names_of(module.params["parts"]), account=True)
    module.exit_json(changed=changed, mistakes=[])


def _mistakes(parameters: dict[str, Any]) -> list[str]:
    wanted = neighbours.Wanted(
        parts=parameters["parts"],
        redis_port=_port(parameters["redis_port"]),
        postgresql_port=_port(parameters["postgresql_port"]),
        proxy_ports=tuple(map(_port, parameters["proxy_ports"])),
        server_names=tuple(parameters["server_names"]),
    )
    return neighbours.sentences(wanted, made=made.read())


def _port(given: object) -> int:
    """What is no number is told of where the variables are looked at."""
    return int(str(given)) if str(given).isdecimal() else 0


if __name__ == "__main__":
    main()
