"""A release is built once, says what it is, and installs on a host that reaches no package index."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import topology
from tests.servers import stretched

ROOT = Path(__file__).resolve().parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
COPIED = ("app", "scripts", "systemd", "pyproject.toml", "README.md", ".gitignore")
#: Nothing of this machine reaches what stands in for a host.
BARE = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": os.devnull}

pytestmark = pytest.mark.skipif(PYTHON not in {"3.11", "3.13"}, reason="releases are for Debian's Pythons")


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A clone of its own, with this checkout's virtual environment and downloaded wheels."""

    folder: Path

    def git(self, *command: str) -> None:
        settings = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *settings, *command], cwd=self.folder, check=True, capture_output=True)

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.folder / "scripts" / "release.py", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, *arguments: str) -> Path:
        done = self.attempt("--python", PYTHON, *arguments)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = Clone(folder=tmp_path_factory.mktemp("clone"))
    for name in [*COPIED, *(path.name for path in ROOT.glob("requirements*.txt"))]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, made.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, made.folder / name)
    (ROOT / "var" / "wheels").mkdir(parents=True, exist_ok=True)
    (made.folder / "var").mkdir()
    (made.folder / "var" / "wheels").symlink_to(ROOT / "var" / "wheels")
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "first")
    return made


@pytest.fixture(scope="module")
def artefact(clone: Clone) -> Path:
    return clone.build()


@pytest.fixture(scope="module")
def unpacked(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    with tarfile.open(artefact) as archive:
        archive.extractall(folder)
    (release,) = folder.iterdir()
    return release


def install(release: Path, *, venv: Path) -> subprocess.CompletedProcess[str]:
    """As a host does it: without pip of its own, and without an index."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (pip,) = release.glob("wheels/pip-*.whl")
    python = venv / "bin" / "python"
    command: list[str | Path] = [python, "-I", pip / "pip", "--python", python, "install", "--quiet"]
    command += ["--no-compile", "--no-cache-dir", "--no-index", "--find-links", release / "wheels"]
    return subprocess.run(
        [*command, "--require-hashes", "--requirement", release / f"requirements-{PYTHON}.txt"],
        env=BARE,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    venv = tmp_path_factory.mktemp("installed") / "venv"
    done = install(unpacked, venv=venv)
    assert done.returncode == 0, done.stderr
    return venv


def groundwork(venv: Path, *arguments: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [venv / "bin" / "groundwork", *arguments],
        cwd=folder,
        env=BARE | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_release_is_named_after_its_commit_and_says_what_it_is(artefact: Path, unpacked: Path) -> None:
    described = json.loads((unpacked / "release.json").read_text())

    assert re.fullmatch(r"groundwork-\d{8}-[0-9a-f]{8}\.tar\.gz", artefact.name)
    assert artefact.name == f"{unpacked.name}.tar.gz" == f"groundwork-{described['id']}.tar.gz"
    assert described["pythons"] == [PYTHON]


def test_the_release_brings_its_units_its_topology_and_the_projection_for_supervisord(unpacked: Path) -> None:
    fleet = json.loads((unpacked / "topology.json").read_text())

    assert [pool["name"] for pool in fleet["pools"]] == [pool.name for pool in topology.POOLS]
    assert all((unpacked / "systemd" / service["unit"]).is_file() for service in fleet["services"])
    assert "[program:groundwork-api]" in (unpacked / "supervisor" / "groundwork.conf").read_text()


def test_a_host_installs_and_runs_it_from_nothing_but_the_release(installed: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"

    assert "worker" in groundwork(installed, "--help", folder=tmp_path)
    groundwork(
        installed,
        "migrate",
        folder=tmp_path,
        GROUNDWORK_DATABASE_URL=database,
        GROUNDWORK_SECRET_KEY="a-secret-of-more-than-32-characters",
    )
    assert (tmp_path / "ledger.db").is_file()


def test_a_wheel_that_is_not_the_recorded_one_is_refused(unpacked: Path, tmp_path: Path) -> None:
    tampered = shutil.copytree(unpacked, tmp_path / "tampered")
    (own,) = tampered.glob("wheels/groundwork-*.whl")
    own.write_bytes(own.read_bytes() + b"\n")

    done = install(tampered, venv=tmp_path / "venv")

    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "venv" / "bin" / "groundwork").exists()


def test_building_again_is_over_in_a_moment_and_touches_nothing(clone: Clone, artefact: Path) -> None:
    before = artefact.stat()
    started = time.monotonic()

    assert clone.build() == artefact
    assert time.monotonic() - started < stretched(1)
    assert artefact.stat().st_mtime_ns == before.st_mtime_ns


def test_a_changed_file_makes_another_id_and_the_same_change_the_same(clone: Clone, artefact: Path) -> None:
    new = clone.folder / "app" / "addition.py"
    new.write_text("LEVEL = 1\n")
    first = clone.build()
    new.write_text("LEVEL = 2\n")
    second = clone.build()
    new.write_text("LEVEL = 1\n")
    again = clone.build()
    new.unlink()

    assert first == again
    assert len({artefact, first, second}) == 3
    assert re.fullmatch(r"groundwork-\d{8}-[0-9a-f]{8}-[0-9a-f]{8}\.tar\.gz", first.name)
    assert clone.build() == artefact


def test_what_is_no_part_of_a_release_does_not_make_another(clone: Clone, artefact: Path) -> None:
    (clone.folder / "notes.txt").write_text("nothing to deploy\n")

    assert clone.build() == artefact


def test_builds_at_once_make_one_artefact_and_the_same_state_the_same_bytes(
    clone: Clone, artefact: Path, tmp_path: Path
) -> None:
    command: list[str | Path] = [
        sys.executable,
        clone.folder / "scripts" / "release.py",
        "--python",
        PYTHON,
        "--to",
        tmp_path,
    ]
    builds = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [process.communicate() for process in builds]

    assert [process.returncode for process in builds] == [0, 0, 0], said
    assert {printed for printed, _ in said} == {f"{tmp_path / artefact.name}\n"}
    assert sum("Building groundwork's own wheel" in noted for _, noted in said) == 1
    assert [path.name for path in tmp_path.iterdir()] == [artefact.name]
    assert (tmp_path / artefact.name).read_bytes() == artefact.read_bytes()


def test_an_id_is_for_one_content_only(clone: Clone) -> None:
    named = clone.build("--id", "rehearsal")
    assert clone.build("--id", "rehearsal") == named
    new = clone.folder / "app" / "addition.py"
    new.write_text("")

    refused = clone.attempt("--python", PYTHON, "--id", "rehearsal")

    new.unlink()
    assert refused.returncode != 0
    assert "Choose another --id" in refused.stderr


def test_without_a_repository_it_says_what_to_do(clone: Clone, tmp_path: Path) -> None:
    shutil.copytree(clone.folder / "scripts", tmp_path / "scripts")

    refused = Clone(folder=tmp_path).attempt()

    assert refused.returncode != 0
    assert "Run this in a clone of the repository" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_unreachable_index_is_one_sentence_and_leaves_nothing_half_made(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Clone(folder=tmp_path / "away")
    shutil.copytree(clone.folder, away.folder, ignore=shutil.ignore_patterns("var"))
    for name, value in BARE.items():
        monkeypatch.setenv(name, value if name != "PATH" else os.environ["PATH"])
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")

    refused = away.attempt("--python", PYTHON)

    assert refused.returncode != 0
    assert "See that this machine reaches its package index" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path for path in (away.folder / "var").rglob("*") if path.is_file()] == []
