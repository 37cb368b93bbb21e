"""Whether a release can fire the schedules that are in the database, asked of its own command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import groundwork
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.install.releases import release_folder

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from ansible.module_utils.groundwork.host.state import Host

REFUSE, WARN = "refuse", "warn"
#: Exit codes of the command: schedules that cannot be fired, and a release that does not know the command.
UNUSABLE, UNKNOWN_COMMAND = 1, 2
REMEDY = (
    "Change or disable it with the live release (groundwork schedules change NAME), or deploy with "
    "-e groundwork_schedules_check=warn."
)


def check_schedules(host: Host, *, environment: Mapping[str, str], on_problem: str) -> list[str]:
    """A sentence for each schedule that the release could not fire. Raises `Failure` with them on `REFUSE`.

    The release must have migrated the database, so that the defaults of its own tasks are in place.
    """
    release = str(host.release)
    done = groundwork(release_folder(release), "schedules", "check", environment=environment)
    found = unusable(done, release=release)
    if found and on_problem == REFUSE:
        raise Failure(f"{' '.join(found)} {REMEDY}")
    return found


def unusable(done: subprocess.CompletedProcess[str], *, release: str) -> list[str]:
    """A sentence for each schedule that the command names. Raises `Failure` when it does not answer."""
    if done.returncode in (0, UNKNOWN_COMMAND):
        return []
    lines = done.stdout.splitlines()
    if done.returncode != UNUSABLE or not lines:
        raise Failure(f"The release {release} cannot check the schedules.", output=done.stdout + done.stderr)
    return [f"The release {release} cannot fire the schedule {line}" for line in lines]
