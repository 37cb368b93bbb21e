"""The releases on a host: complete or not there at all; which one is live, a link says."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.groundwork.commands import run_checked
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import FOLDER_MODE, folder, remove_tree
from ansible.module_utils.groundwork.install import virtualenv
from ansible.module_utils.groundwork.paths import CURRENT, PREVIOUS, RELEASES

#: Put in place last: where it is, the release is complete.
COMPLETE = "release.json"
KEPT = ("topology.json", "systemd", "supervisor")
UNPACK_SECONDS = 120.0


def release_folder(release: str) -> Path:
    """Where the release lies, or would."""
    return RELEASES / release


def is_installed(release: str) -> bool:
    """Whether all of it is there, and for the Python that the host has now."""
    home = release_folder(release)
    return (home / COMPLETE).is_file() and (
        home / "venv/lib" / f"python{virtualenv.python_version()}"
    ).is_dir()


def installed() -> list[str]:
    """The complete releases, the one installed last at the end."""
    found = [path.parent for path in RELEASES.glob(f"*/{COMPLETE}")]
    return [path.name for path in sorted(found, key=lambda path: (path / COMPLETE).stat().st_mtime)]


def linked(link: Path) -> str | None:
    """The id of the release that `current` or `previous` means."""
    return link.readlink().name if link.is_symlink() else None


def chosen(release: str) -> str:
    """The id of the release that is meant; "previous" was live before this one. Raises `LookupError`."""
    meant = linked(PREVIOUS) if release == "previous" else release
    if meant is None:
        raise LookupError("No release was live on this host before the one that is: there is no way back.")
    if not is_installed(meant):
        here = ", ".join(installed()) or "none"
        raise LookupError(f"The release {meant} is not on this host. There are: {here}.")
    return meant


def topology_of(release: str) -> dict[str, Any]:
    """The fleet as that release declares it."""
    return dict(json.loads((release_folder(release) / "topology.json").read_text()))


def switch_link(link: Path, release: str | None) -> None:
    """Let the link mean another release, at one moment; None removes it."""
    if release is None:
        link.unlink(missing_ok=True)
        return
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(release_folder(release))
    beside.rename(link)


def install(artefact: Path) -> str:
    """Install what `scripts/build-release` made, and remove the file; the release's id. Needs no network."""
    folder(RELEASES)
    with tempfile.TemporaryDirectory(dir=RELEASES, prefix=".incoming-") as incoming:
        unpacked = _unpack(artefact, into=Path(incoming))
        about = json.loads((unpacked / COMPLETE).read_text())
        if not is_installed(about["id"]):
            _complete(release_folder(about["id"]), unpacked=unpacked, pythons=about["pythons"])
    artefact.unlink()
    return str(about["id"])


def prune(*, keep: int) -> list[str]:
    """Remove the oldest releases but never one that is live, the way back, or still running a job."""
    safe = {linked(CURRENT), linked(PREVIOUS), *_running()}
    old = installed()[:-keep] if keep else []
    gone = [release for release in old if release not in safe]
    for release in gone:
        # First, so that half a removal is no release.
        (release_folder(release) / COMPLETE).unlink()
        remove_tree(release_folder(release))
    for path in RELEASES.glob(".incoming-*"):
        remove_tree(path)
    return gone


def _unpack(artefact: Path, *, into: Path) -> Path:
    run_checked(
        [
            *("tar", "--extract", "--no-same-owner", "--no-same-permissions"),
            *("--directory", str(into), "--file", str(artefact)),
        ],
        message=f"{artefact} is not a release that can be unpacked. Build it again.",
        seconds=UNPACK_SECONDS,
    )
    folders = list(into.iterdir())
    if len(folders) != 1 or not (folders[0] / COMPLETE).is_file():
        raise Failure(f"{artefact} holds no release.json. Make it with scripts/build-release.")
    return folders[0]


def _complete(home: Path, *, unpacked: Path, pythons: list[str]) -> None:
    # Without its last file, what is there was left by a deploy that was interrupted.
    remove_tree(home)
    home.mkdir(mode=FOLDER_MODE)
    others = [release_folder(release) for release in reversed(installed())]
    virtualenv.make(unpacked, home=home, pythons=pythons, others=others)
    for name in KEPT:
        if (unpacked / name).exists():
            (unpacked / name).rename(home / name)
    (unpacked / COMPLETE).rename(home / COMPLETE)
    # Now is when it was installed, whatever the archive says.
    os.utime(home / COMPLETE)


def _running() -> set[str]:
    """The releases that some process still runs from, such as a worker that ends its last jobs."""
    start = f"{RELEASES}/".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        found |= {word[len(start) :].split(b"/")[0].decode() for word in words if word.startswith(start)}
    return found
