#!/usr/bin/python
"""Record which packages of the distribution come with a deploy, before they do."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.ownership import owned, packages

DOCUMENTATION = r"""
module: groundwork_packages
short_description: Record which packages come with a deploy, so that no others are ever removed
options:
  names: {type: list, elements: str, required: true, description: What is about to be installed.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_packages:
    names: [redis-server]
"""
RETURN = r"""
ours: {type: list, elements: str, returned: always, description: Those of the names that came with a deploy.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        missing = set(module.params["names"]) - packages.installed()
        coming = packages.to_install(sorted(missing)) if missing else []
        changed = bool(coming) if module.check_mode else owned.add(packages=coming)
    except (Failure, OSError) as error:
        module.fail_json(msg=str(error))
    ours = sorted({*owned.read().packages, *coming} & set(module.params["names"]))
    module.exit_json(changed=changed, ours=ours)


if __name__ == "__main__":
    main()
