"""Which release is live is one link, and none that is needed is removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.groundwork.install import releases

from tests.servers import wait_until

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
IDS = tuple(f"2026-{number}" for number in range(1, 8))


@pytest.fixture(autouse=True)
def seven_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installed one after the other."""
    monkeypatch.setattr(releases, "RELEASES", tmp_path / "releases")
    monkeypatch.setattr(releases, "CURRENT", tmp_path / "current")
    monkeypatch.setattr(releases, "PREVIOUS", tmp_path / "previous")
    for at, name in enumerate(IDS):
        home = tmp_path / "releases" / name
        (home / "venv" / "lib" / PYTHON).mkdir(parents=True)
        (home / "release.json").write_text("{}")
        os.utime(home / "release.json", (at, at))
    return tmp_path


def test_a_link_means_another_release_at_one_moment(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for name in IDS:
        releases.switch_link(link, name)
        assert releases.linked(link) == name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "releases"]


def test_a_link_is_flipped_over_what_an_interruption_left(tmp_path: Path) -> None:
    (tmp_path / ".current.new").symlink_to("nowhere")
    releases.switch_link(tmp_path / "current", IDS[0])
    assert releases.linked(tmp_path / "current") == IDS[0]


def test_the_newest_stay() -> None:
    assert releases.prune(keep=5) == list(IDS[:2])
    assert releases.installed() == list(IDS[2:])


def test_what_is_live_and_the_way_back_stay_however_old(tmp_path: Path) -> None:
    releases.switch_link(tmp_path / "current", IDS[0])
    releases.switch_link(tmp_path / "previous", IDS[1])
    assert releases.prune(keep=5) == []


def test_a_release_that_still_runs_stays(tmp_path: Path) -> None:
    program = tmp_path / "releases" / IDS[0] / "cat"
    program.symlink_to("/bin/cat")
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        # Its command line can be read a moment after it was started.
        wait_until(Path(f"/proc/{process.pid}/cmdline").read_bytes, seconds=5, what="it runs")
        assert releases.prune(keep=5) == [IDS[1]]
    assert releases.prune(keep=5) == [IDS[0]]


def test_what_an_interrupted_install_left_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "releases" / IDS[6] / "release.json").unlink()
    assert not releases.is_installed(IDS[6])
    assert IDS[6] not in releases.installed()


def test_a_release_for_a_python_that_the_host_had_once_is_no_release(tmp_path: Path) -> None:
    folder = tmp_path / "releases" / IDS[6] / "venv" / "lib"
    (folder / PYTHON).rename(folder / "python3.0")
    assert not releases.is_installed(IDS[6])


def test_previous_means_the_one_before(tmp_path: Path) -> None:
    releases.switch_link(tmp_path / "previous", IDS[3])
    assert releases.chosen("previous") == IDS[3]


def test_without_one_before_there_is_no_way_back() -> None:
    with pytest.raises(LookupError, match="no way back"):
        releases.chosen("previous")


def test_a_release_that_is_not_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=f"2027-1 is not on this host.*{IDS[0]}"):
        releases.chosen("2027-1")
