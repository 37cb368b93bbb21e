#!/usr/bin/python
"""Ensure that a release is installed on a host, or that old ones are gone."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.groundwork import releases
from ansible.module_utils.groundwork.reason import Failure

DOCUMENTATION = r"""
module: groundwork_release
short_description: Install a release of Groundwork, or remove old ones
description:
  - With O(artefact), installs the release that C(scripts/build-release) made, without any network.
    A release is complete or not there; one that is there is left alone.
  - With O(keep), removes the oldest releases, never one that is live, the way back, or still running a job.
options:
  artefact: {type: path, description: The C(.tar.gz) on the host; it is removed once installed.}
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
removed: {type: list, elements: str, returned: with keep, description: The releases that were removed.}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"artefact": {"type": "path"}, "keep": {"type": "int"}},
        mutually_exclusive=[("artefact", "keep")],
        required_one_of=[("artefact", "keep")],
    )
    # Others than root must be able to run what is installed.
    os.umask(0o022)
    try:
        if module.params["artefact"]:
            before = set(releases.installed())
            release = releases.install(Path(module.params["artefact"]))
            module.exit_json(changed=release not in before, release=release)
        removed = releases.prune(keep=module.params["keep"])
        module.exit_json(changed=bool(removed), removed=removed)
    except (Failure, LookupError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
