"""A scratch copy of this checkout, in which releases are changed and broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.host.rehearsals.container import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The domain that only rehearsals deploy: its tasks take a given time and leave a row.
DOMAIN = Path(__file__).parent / "domain"
_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    # One moment for all: the same content is the same commit, and so the same release.
    for what, value in {
        "NAME": "Rehearsal",
        "EMAIL": "rehearsal@example.com",
        "DATE": "2026-01-01T00:00:00Z",
    }.items()
}


@dataclass(frozen=True, kw_only=True)
class Release:
    """A built release."""

    id: str
    artefact: Path


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """What this checkout holds now, uncommitted changes too, and the domain of the rehearsals."""

    folder: Path

    @property
    def ansible(self) -> Path:
        return self.folder / "ansible"

    def fill(self) -> None:
        """Copy the files that git knows or would take."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        for path in filter(None, listed):
            if (ROOT / path).is_file():
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, self.folder / path)
        shutil.copytree(DOMAIN, self.folder / "app" / "rehearsal")
        # What was downloaded once need not be downloaded again.
        cache = ROOT / "var" / "wheels"
        cache.mkdir(parents=True, exist_ok=True)
        (self.folder / "var").mkdir(exist_ok=True)
        (self.folder / "var" / "wheels").symlink_to(cache)
        self._git("init", "--quiet")
        self._commit("Start")

    def release(self, changes: Mapping[str, str] | None = None) -> Release:
        """Build the release with `changes` (path: what that file then ends with), and take them back."""
        for path, text in (changes or {}).items():
            with (self.folder / path).open("a") as file:
                file.write(text)
        self._commit("Change")
        release = self._build()
        if changes:
            self._git("reset", "--quiet", "--hard", "HEAD~1")
        return release

    def newest_revision(self) -> str:
        """The revision of the database that no other follows."""
        steps = (self.folder / "app" / "db" / "migrations" / "versions").rglob("*.py")
        written = "\n".join(path.read_text() for path in steps)
        known: set[str] = set(re.findall(r'^revision = "(\w+)"', written, re.MULTILINE))
        (newest,) = known - set(re.findall(r'^down_revision = "(\w+)"', written, re.MULTILINE))
        return newest

    def _build(self) -> Release:
        done = subprocess.run(
            [sys.executable, "scripts/release.py"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        artefact = Path(done.stdout.split()[-1])
        name = artefact.name.removesuffix(".tar.gz")
        return Release(id=name.removeprefix("groundwork-"), artefact=artefact)

    def _commit(self, message: str) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)

    def _git(self, *command: str) -> None:
        # Hooks and signing of whoever runs this are for their own commits.
        plain = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
        subprocess.run(["git", *plain, *command], cwd=self.folder, env=os.environ | _AUTHOR, check=True)
