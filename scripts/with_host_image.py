"""Runs its arguments with an image of a host at hand: `with_host_image.py COMMAND...`.

DEBIAN=13 chooses the newer release. The command finds the image's name in GROUNDWORK_HOST_IMAGE.
"""

from __future__ import annotations

import os
import sys

from containers import ready_engine, ready_image
from packages import SetupFailed

SUITES = {"12": "bookworm", "13": "trixie"}


def main() -> None:
    """The command line."""
    debian = os.environ.get("DEBIAN", "12")
    if debian not in SUITES:
        sys.exit(f'DEBIAN is "{debian}"; there are images of {" and ".join(SUITES)}.')
    given = os.environ.get("GROUNDWORK_HOST_IMAGE")
    try:
        image = ready_image(given, suite=SUITES[debian], init="systemd", engine=ready_engine())
    except SetupFailed as problem:
        sys.exit(str(problem))
    sys.stdout.flush()
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, "GROUNDWORK_HOST_IMAGE": image})  # noqa: S606


if __name__ == "__main__":
    main()
