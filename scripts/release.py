"""Builds a release: all that a host needs to run this state of the checkout, in one file.

    groundwork-<id>/release.json            id, version, commit, and the Pythons it is for
                    topology.json           queues, pools and services
                    requirements-3.11.txt   what to install, pinned and hashed, groundwork itself included
                    wheels/                 those packages, and pip to install them with
                    systemd/                the units
                    supervisor/             the same services for supervisord

A host with Python 3.11 needs nothing else:

    python3 -m venv --without-pip venv
    python3 "$(echo wheels/pip-*.whl)/pip" --python venv/bin/python install --no-index --find-links wheels \
        --require-hashes -r requirements-3.11.txt
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from artefact import DESCRIPTION, description_of, pack
from checkout import ReleaseFailed, State, copy_inputs, state_of
from wheels import TARGETS, Target, pinned_to, requirements_for, wheels_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "wheels"


def build(*, wanted_id: str | None, pythons: list[str], to: Path) -> Path:
    """Make the artefact, or find it made. Raises `ReleaseFailed`."""
    to.mkdir(parents=True, exist_ok=True)
    with _alone(to):
        return _build(wanted_id=wanted_id, pythons=pythons, to=to)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two builds at once would write one file; the second waits, and finds what the first made."""
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another build in {folder} to end ...", file=sys.stderr)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _build(*, wanted_id: str | None, pythons: list[str], to: Path) -> Path:
    state = state_of(ROOT)
    artefact = to / f"groundwork-{wanted_id or state.id}.tar.gz"
    if artefact.exists():
        if (description_of(artefact) or {}).get("made_from") == _made_from(state, pythons=pythons):
            return artefact
        if wanted_id:
            raise ReleaseFailed(
                f"{artefact} was made from something else, and hosts take an id for one content only. "
                "Choose another --id, or remove the file if no host has it."
            )
    with tempfile.TemporaryDirectory(dir=to, prefix=".build-") as scratch:
        source = Path(scratch) / "source"
        state = copy_inputs(ROOT, to=source)
        release = Path(scratch) / f"groundwork-{wanted_id or state.id}"
        _fill(release, source=source, state=state, pythons=pythons)
        artefact = to / f"{release.name}.tar.gz"
        pack(release, to=artefact, changed_at=state.committed_at)
    return artefact


def _made_from(state: State, *, pythons: list[str]) -> str:
    parts = [
        state.commit,
        state.digest,
        *sorted(Target(python=python).platforms[0] + python for python in pythons),
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _fill(release: Path, *, source: Path, state: State, pythons: list[str]) -> None:
    wheels = release / "wheels"
    wheels.mkdir(parents=True)
    own = _own_wheel(source, to=wheels, changed_at=state.committed_at)
    lock = (source / "requirements.txt").read_text()
    for python in pythons:
        target = Target(python=python)
        requirements = requirements_for(target, lock=lock)
        found = wheels_for(target, requirements=requirements + _pip(source, target=target), cache=CACHE)
        for wheel in found:
            shutil.copy(wheel, wheels)
        pinned = pinned_to(found, requirements=requirements)
        (release / f"requirements-{python}.txt").write_text(pinned + _pinned(own))
    _project(source, release=release)
    described = {
        "id": release.name.removeprefix("groundwork-"),
        "version": _project_table(source)["version"],
        "commit": state.commit,
        "pythons": pythons,
        "made_from": _made_from(state, pythons=pythons),
    }
    (release / DESCRIPTION).write_text(json.dumps(described, indent=2) + "\n")


def _own_wheel(source: Path, *, to: Path, changed_at: int) -> Path:
    """Build with the locked setuptools of this environment, so nothing is fetched for it."""
    print("Building groundwork's own wheel ...", file=sys.stderr)
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(changed_at)}
    _run(
        [sys.executable, "-c", code, str(to)], cwd=source, what="Building the wheel", environment=environment
    )
    return next(to.glob("groundwork-*.whl"))


def _pip(source: Path, *, target: Target) -> str:
    lines = requirements_for(target, lock=(source / "requirements-build.txt").read_text()).splitlines()
    return next(f"{line}\n" for line in lines if line.startswith("pip=="))


def _pinned(wheel: Path) -> str:
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _project(source: Path, *, release: Path) -> None:
    """What others than Python read of the release, derived from its own code."""
    shutil.copytree(source / "systemd", release / "systemd")
    (release / "supervisor").mkdir()
    for file, command in {
        "topology.json": ["-m", "app.topology"],
        "supervisor/groundwork.conf": ["scripts/supervision.py"],
    }.items():
        (release / file).write_text(_run([sys.executable, *command], cwd=source, what=f"Making {file}"))


def _project_table(source: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    return project


def _run(command: list[str], *, cwd: Path, what: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseFailed(f"{what} failed; put this right and run it again: {done.stderr[-1500:].strip()}")
    return done.stdout


def _release_id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an id: give up to 64 small letters, digits, dots and dashes, "
            "no dot or dash first"
        )
    return text


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/build-release", description="Build the release of this checkout."
    )
    parser.add_argument("--id", type=_release_id, help="its name; else the commit's day and hash")
    parser.add_argument(
        "--python",
        action="append",
        choices=sorted(TARGETS),
        help="a Python it is for; repeat for more; else all",
    )
    parser.add_argument(
        "--to", metavar="DIR", type=Path, default=ROOT / "var" / "releases", help="where to put it"
    )
    given = parser.parse_args()
    try:
        print(build(wanted_id=given.id, pythons=sorted(set(given.python or TARGETS)), to=given.to.resolve()))
    except ReleaseFailed as problem:
        sys.exit(str(problem))
    except OSError as error:
        fix = (
            "Free about 300 MB"
            if error.errno == errno.ENOSPC
            else "Make it writable, or give another folder by --to"
        )
        sys.exit(f"{error.filename or given.to}: {error.strerror}. {fix} and run this again.")


if __name__ == "__main__":
    main()
