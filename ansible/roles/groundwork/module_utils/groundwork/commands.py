"""Other programs, run with a timeout; what they wrote is kept for whoever explains a failure."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.paths import DATA, USER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: What takes seconds on a host takes minutes on one that is emulated, or swamped.
TIMEOUT_SECONDS = 180.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(argv: Sequence[str], *, seconds: float = TIMEOUT_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run as root and wait; the caller looks at the exit code. Raises `Failure` when it takes too long."""
    return _run(argv, seconds=seconds, environment={"PATH": PATH, "LC_ALL": "C.UTF-8"})


def run_checked(argv: Sequence[str], *, message: str, seconds: float = TIMEOUT_SECONDS) -> str:
    """Run as root; what it printed. Raises `Failure` with `message` when it exits with an error."""
    done = run(argv, seconds=seconds)
    if done.returncode != 0:
        raise Failure(message, output=done.stdout + done.stderr)
    return done.stdout


def groundwork(
    release: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run the command line of a release as its user, in its folder."""
    return as_user(
        [str(release / "venv/bin/groundwork"), *arguments], environment=environment, seconds=seconds
    )


def as_user(
    argv: Sequence[str], *, environment: Mapping[str, str] | None = None, seconds: float = TIMEOUT_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run as the user of the services."""
    return _run(_by_user(argv), seconds=seconds, environment=_of_user(environment))


def start_as_user(
    argv: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start as the user of the services, and stay connected to its three streams."""
    return subprocess.Popen(  # noqa: S603 (no shell; what is run is named in this role)
        _by_user(argv),
        cwd=DATA if DATA.is_dir() else "/",
        env=_of_user(environment),
        errors="replace",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _by_user(argv: Sequence[str]) -> list[str]:
    return ["runuser", "-u", USER, "--", *argv]


def _of_user(environment: Mapping[str, str] | None) -> dict[str, str]:
    return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": str(DATA), **(environment or {})}


def _run(
    argv: Sequence[str], *, seconds: float, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 (no shell; what is run is named in this role)
            argv,
            capture_output=True,
            check=False,
            cwd=DATA if DATA.is_dir() else "/",
            env=environment,
            errors="replace",
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        output = _text(late.stdout) + _text(late.stderr)
        raise Failure(f"{_name(argv)} did not end within {seconds:g} s.", output=output) from None


def _name(argv: Sequence[str]) -> str:
    """The program that was run, not the one that changed the user for it."""
    return argv[argv.index("--") + 1] if "--" in argv else argv[0]


def _text(said: str | bytes | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
