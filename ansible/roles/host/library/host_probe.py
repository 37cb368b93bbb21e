#!/usr/bin/python
"""Reads of a host what Ansible has no facts for: free disk, clock skew, and who listens on which port."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_listeners import listeners

DOCUMENTATION = r"""
module: host_probe
short_description: Read of a host what Ansible has no facts for
description: The facts leave out mounts without a device, such as those of containers and ZFS.
options:
  folders:
    description: Folders whose free space is wanted; where one is missing, its nearest parent that is there.
    type: list
    elements: str
    default: []
  controller_time:
    description: Seconds since the epoch by the clock of the controller.
    type: float
    required: true
"""

MIB = 1024**2


def _probe(*, folders: list[str], controller_time: float) -> dict[str, Any]:
    return {
        "clock_skew_seconds": round(time.time() - controller_time, 1),
        "disk_free_mb": {folder: shutil.disk_usage(_existing(folder)).free // MIB for folder in folders},
        "listeners": listeners(),
    }


def _existing(folder: str) -> Path:
    path = Path(folder)
    return path if path.exists() else _existing(str(path.parent))


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "str", "default": []},
            "controller_time": {"type": "float", "required": True},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, probe=_probe(**module.params))


if __name__ == "__main__":
    main()
