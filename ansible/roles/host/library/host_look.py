#!/usr/bin/python
"""Looks at a host without changing it: free disk, memory, clock, Python, and who holds which port."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_listeners import listeners

DOCUMENTATION = r"""
module: host_look
short_description: Look at a host without changing it
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


def _look(*, folders: list[str], controller_time: float) -> dict[str, Any]:
    return {
        "clock_skew_seconds": round(time.time() - controller_time, 1),
        "disk_free_mb": {folder: shutil.disk_usage(_existing(folder)).free // MIB for folder in folders},
        "memory_mb": _memory_mb(),
        "python": _python(),
        "ports": listeners(),
    }


def _existing(folder: str) -> Path:
    path = Path(folder)
    return path if path.exists() else _existing(str(path.parent))


def _memory_mb() -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def _python() -> str:
    """The version of the Python that environments are made from; Ansible may run under another."""
    binary = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if binary is None:
        return ""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return said.stdout.removeprefix("Python").strip()


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "str", "default": []},
            "controller_time": {"type": "float", "required": True},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, look=_look(**module.params))


if __name__ == "__main__":
    main()
