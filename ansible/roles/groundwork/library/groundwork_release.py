#!/usr/bin/python
"""Ensure that a release is installed on a host, or that old ones are gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.install import releases
from ansible.module_utils.groundwork.lock import work_lock

DOCUMENTATION = r"""
module: groundwork_release
short_description: Install a release of Groundwork, or remove old ones
description:
  - With O(artefact), installs the release that C(scripts/build-release) made, without any network.
    A release is complete or not there; one that is there is left alone.
  - With O(release), says whether it is installed.
  - With O(keep), removes the oldest releases, never one that is live, the way back, or still running a job.
options:
  artefact: {type: path, description: The C(.tar.gz) on the host; it is removed once installed.}
  release: {type: str, description: The id of a release.}
  keep: {type: int, description: How many releases stay.}
author: Groundwork (@groundwork)
"""
EXAMPLES = r"""
- groundwork_release:
    artefact: /var/lib/groundwork-deploy/groundwork-20261121-0a1b2c3.tar.gz
- groundwork_release:
    keep: 5
"""
RETURN = r"""
release: {type: str, returned: with artefact, description: The id of the release.}
installed: {type: bool, returned: with release, description: Whether it is installed.}
removed: {type: list, elements: str, returned: with keep, description: The releases that were removed.}
"""


def main() -> None:
    """Run the module."""
    ways = {"artefact": {"type": "path"}, "release": {"type": "str"}, "keep": {"type": "int"}}
    module = AnsibleModule(
        argument_spec=ways,
        mutually_exclusive=[tuple(ways)],
        required_one_of=[tuple(ways)],
        supports_check_mode=True,
    )
    # Others than root must be able to run what is installed.
    os.umask(0o022)
    if module.params["release"]:
        module.exit_json(changed=False, installed=releases.is_installed(module.params["release"]))
    if module.check_mode:
        module.exit_json(changed=bool(module.params["artefact"]), removed=[])
    try:
        with work_lock():
            result = _install(module.params) if module.params["artefact"] else _prune(module.params)
        module.exit_json(**result)
    except (Failure, LookupError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


def _install(parameters: dict[str, Any]) -> dict[str, Any]:
    before = set(releases.installed())
    release = releases.install(Path(parameters["artefact"]))
    return {"changed": release not in before, "release": release}


def _prune(parameters: dict[str, Any]) -> dict[str, Any]:
    removed = releases.prune(keep=parameters["keep"])
    return {"changed": bool(removed), "removed": removed}


if __name__ == "__main__":
    main()
