"""Whether a host that was just changed does its work: processes, API, and a job through the real queue."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import api_probe
from ansible.module_utils.groundwork.commands import groundwork
from ansible.module_utils.groundwork.failures import Failure, errors_in
from ansible.module_utils.groundwork.install.releases import release_folder

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from ansible.module_utils.groundwork.host.instances import Instance
    from ansible.module_utils.groundwork.host.state import Host
    from ansible.module_utils.groundwork.managers.manager import Manager

#: Its processes still load what they need, and other services start beside them.
API_TIMEOUT_SECONDS = 60.0
SMOKE_SECONDS = 120


def check_work(host: Host, *, address: str, manager: Manager) -> None:
    """Raise what is wrong with a host whose workers and API should do their work by now."""
    if host.release is None:
        return
    release = release_folder(host.release)
    with ExitStack() as stack:
        serves = any(one.service == "api" for one in host.instances)
        token = stack.enter_context(api_probe.Token(release)) if serves else None
        workers = [one for one in host.instances if one.service == "worker"]
        _send_a_job(release, workers=workers, manager=manager)
        if token:
            _wait_for_api(address, token=token.secret)


def check_running(host: Host, *, manager: Manager) -> None:
    """Raise the last words of a service that was started and does not run any more."""
    for instance in host.instances:
        if not manager.is_running(instance):
            raise Failure(f"{instance.unit} did not stay up.", output=manager.recent_output(instance))


def _send_a_job(release: Path, *, workers: Sequence[Instance], manager: Manager) -> None:
    if not workers:
        return
    arguments = [word for worker in workers for word in ("--pool", worker.pool)]
    done = groundwork(
        release, "smoke", *arguments, "--timeout", str(SMOKE_SECONDS), seconds=SMOKE_SECONDS * 2
    )
    if done.returncode != 0:
        raise stuck_job(done, workers=workers, manager=manager)


def stuck_job(
    smoke: subprocess.CompletedProcess[str], *, workers: Sequence[Instance], manager: Manager
) -> Failure:
    """What `groundwork smoke` said; and of a job that nobody has taken, who should have taken it."""
    said = [errors_in(manager.recent_output(worker)) for worker in workers]
    words = "\n".join([smoke.stdout, smoke.stderr, *said])
    return Failure("A job did not get through the queue.", output=words)


def _wait_for_api(address: str, *, token: str) -> None:
    until = time.monotonic() + API_TIMEOUT_SECONDS
    while (fault := api_probe.fault(address, token=token)) is not None:
        if time.monotonic() > until:
            raise Failure(f"The API at {address} does not serve. {fault}")
        time.sleep(0.5)
