"""The API of a new release beside the live one, asked until it is old enough to be trusted."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import api_probe
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.install.releases import release_folder
from ansible.module_utils.groundwork.trial.candidate import running_candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ansible.module_utils.groundwork.host.state import Host
    from ansible.module_utils.groundwork.trial.candidate import Candidate

START_SECONDS = 120
#: One failed probe may be chance; this many in a row are a fault.
MAX_FAULTS_IN_A_ROW = 3
PROBE_EVERY_SECONDS = 0.5
MIN_SOAK_SECONDS = 1.0


@contextmanager
def candidate_api(
    host: Host, *, environment: Mapping[str, str], manager: str
) -> Iterator[Callable[[int], int]]:
    """Run the release's API beside the live one; what is given asks it until it is so many seconds old.

    It starts at once, so that it grows old while the release is loaded and the database migrated.
    """
    port = _free_port()
    address = f"127.0.0.1:{port}"
    with (
        running_candidate(manager, host=host, port=port) as candidate,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        listening = beside.submit(_await_listening, candidate, address=address)

        def ask(seconds: int) -> int:
            with api_probe.Token(release_folder(str(host.release)), environment=environment) as token:
                _await_first_answer(candidate, address=address, token=token.secret)
                since = listening.result()
                return _soak(candidate, address=address, token=token.secret, since=since, seconds=seconds)

        yield ask


def _await_listening(candidate: Candidate, *, address: str) -> float:
    """When it first answered anything (monotonic); now if it does not, for that is judged by who asks it."""
    until = time.monotonic() + START_SECONDS
    while not api_probe.answers(address) and candidate.is_alive() and time.monotonic() < until:
        time.sleep(PROBE_EVERY_SECONDS / 5)
    return time.monotonic()


def _await_first_answer(candidate: Candidate, *, address: str, token: str) -> None:
    until = time.monotonic() + START_SECONDS
    errors = 0
    while (fault := api_probe.fault(address, token=token)) is not None:
        if not candidate.is_alive():
            raise Failure("The new release's API ended at once.", output=candidate.recent_output())
        # An error will not get better, but it is written down only after it was the answer. No answer yet may
        # be a start that takes its time.
        errors += " was answered 500" in fault
        if time.monotonic() > until or errors == MAX_FAULTS_IN_A_ROW:
            raise Failure(f"The new release's API does not serve. {fault}", output=candidate.recent_output())
        time.sleep(PROBE_EVERY_SECONDS / 2)


def _soak(candidate: Candidate, *, address: str, token: str, since: float, seconds: int) -> int:
    """Ask until the API is so many seconds old; how often it answered well."""
    faults: list[str] = []
    passed = 0
    # However old it is by now; and a fault at the very end is looked into, too.
    until = max(since + seconds, time.monotonic() + MIN_SOAK_SECONDS)
    while (begun := time.monotonic()) < until or faults:
        fault = api_probe.fault(address, token=token)
        faults = [*faults, fault] if fault else []
        passed += not fault
        if len(faults) == MAX_FAULTS_IN_A_ROW:
            message = f"The new release's API stopped serving after {begun - since:.0f} s. {fault}"
            raise Failure(message, output=candidate.recent_output())
        time.sleep(max(0.0, begun + PROBE_EVERY_SECONDS - time.monotonic()))
    return passed


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
