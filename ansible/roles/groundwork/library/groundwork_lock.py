#!/usr/bin/python
"""Ensure that one deploy at a time works on a host."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork import lock

DOCUMENTATION = r"""
module: groundwork_lock
short_description: Acquire or release the lock of a host
description:
  - The lock is a file on the host that names who holds it. The action plugin of the same name says who we
    are, judges whether a holder is still alive, and words the refusal.
options:
  state: {type: str, choices: [present, absent], default: present, description: Acquire or release it.}
  mine: {type: dict, required: true, description: Who we are.}
  stale_holder: {type: dict, description: A holder that is known to be gone.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_lock:
    state: present
    playbook: deploy.yml
"""
RETURN = r"""
holder: {type: dict, returned: when somebody else has it, description: Who has it.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "mine": {"type": "dict", "required": True},
            "stale_holder": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    # A lock says nothing about the host, so taking it is no change.
    if module.check_mode:
        module.exit_json(changed=False, holder=None)
    if module.params["state"] == "absent":
        lock.release(module.params["mine"])
        module.exit_json(changed=False, holder=None)
    holder = lock.acquire(module.params["mine"], stale_holder=module.params["stale_holder"])
    module.exit_json(changed=False, holder=holder)


if __name__ == "__main__":
    main()
