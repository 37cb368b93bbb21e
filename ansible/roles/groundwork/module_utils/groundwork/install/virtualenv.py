"""The Python environment of a release: made of its wheels, or of what another has installed."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run_checked
from ansible.module_utils.groundwork.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The distribution that differs in every release.
OWN = "groundwork"
#: What an environment was made of; lies beside it.
REQUIREMENTS = "requirements.txt"
PIP_SECONDS = 300.0


def python_version() -> str:
    """The Python that the host's releases run on."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def make(unpacked: Path, *, home: Path, pythons: Sequence[str], others: Iterable[Path]) -> None:
    """Make `home`/venv without any network; packages come from one of `others` that needs the same ones.

    Else from the wheels. What is taken over was compared with its hashes when it was installed, and only root
    can have changed it since.
    """
    version = python_version()
    if version not in pythons:
        options = " ".join(f"--python {one}" for one in [*pythons, version])
        raise Failure(
            f"The release was built for Python {', '.join(pythons)} and this host has {version}. "
            f"Build it with: scripts/build-release {options}"
        )
    venv = home / "venv"
    create = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
    run_checked(create, message=f"{venv} could not be made.")
    (unpacked / f"requirements-{version}.txt").rename(home / REQUIREMENTS)
    like = next((one for one in others if _packages_of(one) == _packages_of(home)), None)
    if like is not None:
        _take_over(like / "venv", venv=venv)
    _install(unpacked / "wheels", home=home)
    packages = _site_packages(venv)
    # What was taken over is compiled.
    _compile([packages / name for name in _own_files(packages)] if like else [packages], venv=venv)


def _packages_of(home: Path) -> list[str] | None:
    """What is needed besides the release's own code."""
    path = home / REQUIREMENTS
    if not path.is_file():
        return None
    return [line for line in path.read_text().splitlines() if not line.startswith(f"{OWN}==")]


def _take_over(source: Path, *, venv: Path) -> None:
    """All packages but our own; files are shared, for none is ever written to."""
    packages = _site_packages(source)
    own = _own_files(packages)
    shutil.copytree(
        packages,
        _site_packages(venv),
        copy_function=_share,
        ignore=lambda folder, names: own & set(names) if Path(folder) == packages else (),
        dirs_exist_ok=True,
    )
    for script in (source / "bin").iterdir():
        target = venv / "bin" / script.name
        if script.name not in own and not target.exists():
            # Its first line names the Python of the environment that it lies in.
            target.write_bytes(script.read_bytes().replace(os.fsencode(source), os.fsencode(venv)))
            target.chmod(script.stat().st_mode)


def _own_files(packages: Path) -> set[str]:
    """Names at the top of `packages`, and of scripts, that belong to the release's own code."""
    (record,) = packages.glob(f"{OWN}-*.dist-info/RECORD")
    with record.open(newline="") as file:
        paths = [Path(row[0]) for row in csv.reader(file)]
    return {path.name if path.parts[0] == ".." else path.parts[0] for path in paths}


def _share(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _install(wheels: Path, *, home: Path) -> None:
    run_checked(
        [
            *(sys.executable, str(next(wheels.glob("pip-*.whl")) / "pip")),
            *("--python", str(home / "venv/bin/python"), "install"),
            *("--quiet", "--disable-pip-version-check", "--root-user-action=ignore"),
            *("--no-index", "--find-links", str(wheels), "--no-deps", "--no-compile", "--no-cache-dir"),
            *("--require-hashes", "--requirement", str(home / REQUIREMENTS)),
        ],
        message="The release's packages could not be installed.",
        seconds=PIP_SECONDS,
    )


def _compile(paths: Iterable[Path], *, venv: Path) -> None:
    """Nobody but root may write there, so what is not compiled now is compiled at every start."""
    run_checked(
        [
            *(str(venv / "bin/python"), "-m", "compileall", "-q", "-j", "0"),
            *(str(path) for path in paths if path.is_dir()),
        ],
        message="The release's code could not be compiled.",
        seconds=PIP_SECONDS,
    )


def _site_packages(venv: Path) -> Path:
    return venv / "lib" / f"python{python_version()}" / "site-packages"
