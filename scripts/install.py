"""Sets this checkout up: what it needs from the distribution, and `.venv` with the locked dependencies.

`install.py run` is for running the service, `install.py dev` for its tests as well, `install.py build` for
building releases and no more. Done before means done in a moment: a stamp in `.venv` names the locks it was
made from. Standard library only.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packages import (
    CHROMIUM,
    LOGROTATE,
    MARIADB,
    MARIADB_DATA,
    NGINX,
    POSTGRESQL,
    PROMETHEUS,
    RABBITMQ,
    REDIS,
    SYSTEMD,
    SetupFailed,
    ensure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "groundwork.stamp"
#: `dev` holds all of `run`, in the same versions. All three hold the build lock.
BUILD_LOCK = "requirements-build.txt"
LOCKS = {"build": BUILD_LOCK, "run": "requirements.txt", "dev": "requirements-dev.txt"}
PACKAGES = {
    "build": (),
    "run": (REDIS,),
    "dev": (
        *(REDIS, POSTGRESQL, MARIADB, MARIADB_DATA, RABBITMQ),
        *(SYSTEMD, LOGROTATE, PROMETHEUS, NGINX, CHROMIUM),
    ),
}


def install(level: str) -> None:
    """Make everything ready for `level`. Raises `SetupFailed`."""
    try:
        with _alone():
            ensure(*PACKAGES[level])
            if not _is_current(level):
                _fill_venv(level)
    except OSError as error:
        raise SetupFailed(
            f"{error.filename or ROOT} cannot be written ({error.strerror}). Make {ROOT} writable for this "
            "user, or run from a checkout that is."
        ) from None


@contextmanager
def _alone() -> Iterator[None]:
    """Two set-ups at once would write over each other; the second waits."""
    lock = ROOT / "var" / "setup.lock"
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of this checkout to end ...")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _digest() -> str:
    """Changes with the locks, the entry points, and the place: a virtual environment cannot be moved."""
    digest = hashlib.sha256(str(VENV.resolve()).encode())
    for name in (*LOCKS.values(), "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _is_current(level: str) -> bool:
    enough = {"build": tuple(LOCKS), "run": ("run", "dev"), "dev": ("dev",)}[level]
    return STAMP.is_file() and STAMP.read_text() in {f"{made} {_digest()}" for made in enough}


def _fill_venv(level: str) -> None:
    if not _works(VENV / "bin" / "python"):
        print(f"Making the virtual environment {VENV} ...")
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], what="Making the virtual environment")
    STAMP.unlink(missing_ok=True)
    print(f"Installing the locked dependencies ({LOCKS[level]}); the first time takes a minute or two ...")
    for what, arguments in steps(level).items():
        _run([str(VENV / "bin" / "python"), "-m", "pip", "install", *arguments], what=what)
    STAMP.write_text(f"{level} {_digest()}")


def steps(level: str) -> dict[str, list[str]]:
    """What pip installs, one after the other, with its arguments.

    The locked build tools come first, as wheels: what is published as source only is built with them. An
    isolated build would fetch the newest.
    """
    quietly = ["--quiet", "--disable-pip-version-check"]
    locked = [*quietly, "--require-hashes"]
    return {
        "Installing the build tools": [*locked, "--only-binary=:all:", f"--requirement={BUILD_LOCK}"],
        "Installing the dependencies": [*locked, "--no-build-isolation", f"--requirement={LOCKS[level]}"],
        "Installing the checkout into its virtual environment": [
            *quietly,
            "--no-deps",
            "--no-build-isolation",
            "--editable=.",
        ],
    }


def _works(python: Path) -> bool:
    try:
        subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _run(command: list[str], *, what: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-2000:])
        raise SetupFailed(
            f"{what} failed (above). If it was a download, look at the network and run this again. "
            f"To start from nothing: rm -r {VENV}"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="install.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("level", choices=sorted(LOCKS))
    given = parser.parse_args()
    # What is said must come before what a failing step prints, also into a pipe.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        install(given.level)
    except SetupFailed as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
