"""Tells which state of the checkout a release would be made from, and takes a copy of just that."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: All that a release is made from: what changes elsewhere does not make another release.
INPUTS = ("app", "systemd", "scripts", "pyproject.toml", "README.md", "requirements*.txt")
SHORT_SHA = 8


class ReleaseFailed(Exception):
    """Why there is no release, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of the checkout."""

    commit: str
    committed_at: int
    #: Of every input, path and content.
    digest: str
    #: Of what is not in the commit; empty when nothing is.
    changes: str

    @property
    def id(self) -> str:
        """`20260131-1a2b3c4d`; changed files add a dash and eight digits of what they hold."""
        day = datetime.fromtimestamp(self.committed_at, tz=UTC).strftime("%Y%m%d")
        return "-".join(part for part in (day, self.commit[:SHORT_SHA], self.changes[:8]) if part)


def state_of(checkout: Path) -> State:
    """The state as it is now. Raises `ReleaseFailed` outside a repository."""
    commit, committed_at = _git(checkout, "log", "-1", "--format=%H %ct").split()
    changed = _paths(checkout, "diff", "--name-only", "-z", "--no-renames", "HEAD") + _untracked(checkout)
    return State(
        commit=commit,
        committed_at=int(committed_at),
        digest=_digest(checkout, paths=_inputs(checkout)),
        changes=_digest(checkout, paths=changed) if changed else "",
    )


def copy_inputs(checkout: Path, *, to: Path) -> State:
    """Copy the inputs into the folder `to`; somebody may be editing meanwhile, so look before and after."""
    before = state_of(checkout)
    for path in _inputs(checkout):
        if (checkout / path).is_file():
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / path, to / path)
    if state_of(checkout) != before:
        raise ReleaseFailed(
            "Files changed while they were being copied. Let the edit end and run this again."
        )
    return before


def _inputs(checkout: Path) -> list[str]:
    return _paths(checkout, "ls-files", "-z") + _untracked(checkout)


def _untracked(checkout: Path) -> list[str]:
    return _paths(checkout, "ls-files", "-z", "--others", "--exclude-standard")


def _paths(checkout: Path, *command: str) -> list[str]:
    return [path for path in _git(checkout, *command, "--", *INPUTS).split("\0") if path]


def _digest(checkout: Path, *, paths: list[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        file = checkout / path
        content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "gone"
        digest.update(f"{path}\0{content}\n".encode())
    return digest.hexdigest()


def _git(checkout: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", *command], cwd=checkout, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleaseFailed("A release is named after its commit, and git is missing. Install git.") from None
    if done.returncode != 0:
        raise ReleaseFailed(
            f"A release is named after its commit, and git finds none in {checkout} ({done.stderr.strip()}). "
            "Run this in a clone of the repository, with at least one commit."
        )
    return done.stdout
