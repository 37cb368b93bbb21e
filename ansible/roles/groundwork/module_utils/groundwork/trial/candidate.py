"""The API of a new release on a port of its own: as the live one runs, but for what must differ."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ansible.module_utils.groundwork.commands import PATH, run, run_checked
from ansible.module_utils.groundwork.files import File, remove_tree, write_files
from ansible.module_utils.groundwork.install.releases import release_folder
from ansible.module_utils.groundwork.paths import DATA, ETC, TRIAL, UNITS, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ansible.module_utils.groundwork.host.state import Host

UNIT = "groundwork-candidate.service"
#: Ends what a deploy that was killed leaves behind.
MAX_SECONDS = 600
LOG = TRIAL / "candidate.log"
ENV_FILE = TRIAL / "candidate.env"


class Candidate(Protocol):
    """A running candidate."""

    def is_alive(self) -> bool:
        """Whether it still runs."""

    def recent_output(self) -> str:
        """What it wrote."""


class UnderSystemd:
    """A candidate that is a unit for as long as it is tried."""

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return run(["systemctl", "is-active", "--quiet", UNIT]).returncode == 0

    def recent_output(self) -> str:
        """What it wrote."""
        return LOG.read_text(errors="replace") if LOG.is_file() else ""


class AsProcess:
    """A candidate that is our own child: supervisord would restart it whenever it ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def recent_output(self) -> str:
        """What it wrote."""
        return LOG.read_text(errors="replace")


@contextmanager
def running_candidate(manager: str, *, host: Host, port: int) -> Iterator[Candidate]:
    """Run a candidate for the time of a `with`."""
    with (_by_systemd if manager == "systemd" else _as_process)(host, port=port) as candidate:
        yield candidate


@contextmanager
def _as_process(host: Host, *, port: int) -> Iterator[AsProcess]:
    files = {ENV_FILE: File(content=_settings(host))}
    write_files(files, paths=files)
    command = [str(release_folder(str(host.release)) / "venv/bin/groundwork"), "serve", "--port", str(port)]
    with LOG.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (no shell; the release is ours)
            ["/usr/bin/timeout", str(MAX_SECONDS), *command, "--workers", "1"],
            user=USER,
            group=USER,
            extra_groups=[],
            cwd=DATA,
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", "GROUNDWORK_ENV_FILE": str(ENV_FILE)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield AsProcess(process)
    finally:
        process.terminate()
        process.wait()
        write_files({}, paths=files)


@contextmanager
def _by_systemd(host: Host, *, port: int) -> Iterator[UnderSystemd]:
    runtime = UNITS.parents[2] / "run/systemd/system"
    files = _unit_files(host, port=port, folder=runtime)
    run(["systemctl", "stop", UNIT])
    try:
        write_files(files, paths=files)
        run_checked(["systemctl", "daemon-reload"], message="systemd did not take the candidate's unit.")
        run_checked(["systemctl", "start", UNIT], message="The candidate could not be started.")
        yield UnderSystemd()
    finally:
        run(["systemctl", "stop", UNIT])
        write_files({}, paths=files)
        remove_tree(runtime / f"{UNIT}.d")
        run(["systemctl", "reset-failed", UNIT])


def _unit_files(host: Host, *, port: int, folder: Path) -> dict[Path, File]:
    """The API's own sandbox: a drop-in of the same name takes the place of the installed one."""
    drop_ins = folder / f"{UNIT}.d"
    shared = {
        drop_ins / path.name: file
        for path, file in host.files.items()
        if path.parent.name in ("groundwork-.service.d", "groundwork-api.service.d")
    }
    return {
        **shared,
        folder / UNIT: File(content=_body(host, port=port).encode()),
        drop_ins / "99-candidate.conf": File(content=_overrides().encode()),
        ENV_FILE: File(content=_settings(host)),
    }


def _body(host: Host, *, port: int) -> str:
    command = release_folder(str(host.release)) / "venv/bin/groundwork"
    return (
        "[Unit]\nDescription=Groundwork API, a release on trial\n\n"
        f"[Service]\nType=exec\nExecStart={command} serve --port {port} --workers 1\n"
    )


def _overrides() -> str:
    """What must not be shared with the live API: settings not yet in place, the log, the lifetime."""
    return (
        f"[Service]\nRestart=no\nRuntimeMaxSec={MAX_SECONDS}\n"
        # Nobody's request is cut off, and a deploy waits for its end.
        "KillSignal=SIGKILL\n"
        f"EnvironmentFile=\nEnvironmentFile={ENV_FILE}\nEnvironment=GROUNDWORK_ENV_FILE={ENV_FILE}\n"
        f"LoadCredential=\nLoadCredential=groundwork:{TRIAL / 'credentials'}\n"
        f"StandardOutput=truncate:{LOG}\nStandardError=inherit\n"
    )


def _settings(host: Host) -> bytes:
    """The env file without the log folder, so that the candidate speaks to us alone."""
    lines = host.files[ETC / "groundwork.env"].content.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"GROUNDWORK_LOG_DIR="))
