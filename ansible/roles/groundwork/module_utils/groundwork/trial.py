"""Trying a release with its settings on the host it is meant for, before anything depends on it."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import probe
from ansible.module_utils.groundwork.candidate import candidate_under
from ansible.module_utils.groundwork.commands import as_user
from ansible.module_utils.groundwork.files import Files, lay_down, remove_tree
from ansible.module_utils.groundwork.paths import ETC, TRIAL
from ansible.module_utils.groundwork.reason import Failure
from ansible.module_utils.groundwork.releases import release_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ansible.module_utils.groundwork.candidate import Candidate
    from ansible.module_utils.groundwork.wanted import Host

LOADED = "All of it is loaded."
#: Everything a service imports when it starts.
LOAD = f"""
import app.__main__, app.api, app.celery_app
from app.jobs import registry
registry.tasks()
print({LOADED!r}, flush=True)
"""
#: In the same process, because loading takes longer than most migrations.
MIGRATE = 'raise SystemExit(app.__main__.run(["migrate"]))'
LOAD_SECONDS = 180
MIGRATION_SECONDS = 600
START_SECONDS = 120
#: One failed probe may be chance; this many in a row are a fault.
FAULTS_IN_A_ROW = 3
PROBE_EVERY_SECONDS = 0.5
LEAST_SOAK_SECONDS = 1.0


@contextmanager
def staged_settings(host: Host) -> Iterator[dict[str, str]]:
    """The settings as they will be, where only this trial reads them: the environment that names them."""
    remove_tree(TRIAL)
    files: Files = {
        TRIAL / path.relative_to(ETC): file for path, file in host.files.items() if path.is_relative_to(ETC)
    }
    try:
        lay_down(files, paths=files)
        yield {"GROUNDWORK_ENV_FILE": str(TRIAL / "groundwork.env")}
    finally:
        remove_tree(TRIAL)


@contextmanager
def served(host: Host, *, environment: Mapping[str, str], manager: str) -> Iterator[Callable[[int], int]]:
    """Run the release's API beside the live one. What is given asks it until it is so many seconds old.

    It starts at once, so that it grows old while the release is loaded and the database brought along.
    """
    port = _free_port()
    address = f"127.0.0.1:{port}"
    with (
        candidate_under(manager, host=host, port=port) as candidate,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        born = beside.submit(_await_birth, candidate, address=address)

        def ask(seconds: int) -> int:
            with probe.Token(_folder(host), environment=environment) as token:
                _await_first_answer(candidate, address=address, token=token.secret)
                return _soak(
                    candidate, address=address, token=token.secret, born=born.result(), seconds=seconds
                )

        yield ask


def load(host: Host, *, environment: Mapping[str, str], migrate: bool) -> str:
    """Load all of the release's code, then bring the database to its shape; what was done to that.

    Nothing is changed when it fails. Raises `Failure` with what was said.
    """
    python = str(_folder(host) / "venv/bin/python")
    done = as_user(
        [python, "-c", LOAD + (MIGRATE if migrate else "")],
        environment=environment,
        seconds=LOAD_SECONDS + MIGRATION_SECONDS,
    )
    loaded, _, said = done.stdout.partition(LOADED)
    if done.returncode == 0:
        return said.strip()
    sentence = f"The release {host.release} cannot be imported."
    if LOADED in done.stdout:
        sentence = f"The migration to the release {host.release} failed."
    raise Failure(sentence, words=loaded + said + done.stderr)


def _await_birth(candidate: Candidate, *, address: str) -> float:
    """When it first answered anything (monotonic); now if it does not, for that is judged by who asks it."""
    until = time.monotonic() + START_SECONDS
    while not probe.answers(address) and candidate.is_alive() and time.monotonic() < until:
        time.sleep(PROBE_EVERY_SECONDS / 5)
    return time.monotonic()


def _await_first_answer(candidate: Candidate, *, address: str, token: str) -> None:
    until = time.monotonic() + START_SECONDS
    errors = 0
    while (fault := probe.fault(address, token=token)) is not None:
        if not candidate.is_alive():
            raise Failure("The new release's API ended at once.", words=candidate.last_words())
        # An error will not get better, but it is written down only after it was the answer. No answer yet may
        # be a start that takes its time.
        errors += " was answered 500" in fault
        if time.monotonic() > until or errors == FAULTS_IN_A_ROW:
            raise Failure(f"The new release's API does not serve. {fault}", words=candidate.last_words())
        time.sleep(PROBE_EVERY_SECONDS / 2)


def _soak(candidate: Candidate, *, address: str, token: str, born: float, seconds: int) -> int:
    faults: list[str] = []
    well = 0
    # However old it is by now; and a fault at the very end is looked into, too.
    until = max(born + seconds, time.monotonic() + LEAST_SOAK_SECONDS)
    while (begun := time.monotonic()) < until or faults:
        fault = probe.fault(address, token=token)
        faults = [*faults, fault] if fault else []
        well += not fault
        if len(faults) == FAULTS_IN_A_ROW:
            sentence = f"The new release's API stopped serving after {begun - born:.0f} s. {fault}"
            raise Failure(sentence, words=candidate.last_words())
        time.sleep(max(0.0, begun + PROBE_EVERY_SECONDS - time.monotonic()))
    return well


def _folder(host: Host) -> Path:
    if host.release is None:
        raise LookupError("There is no release to try.")
    return release_folder(host.release)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
