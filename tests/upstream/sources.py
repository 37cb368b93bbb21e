"""The source packages of what is installed, and what their tests need beyond this environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "var" / "upstream"
#: What of a source package is unpacked: the library itself is the installed one.
PARTS = ("t", "setup.cfg", "pyproject.toml")
PLUGINS = ("pytest-timeout==2.4.*", "pytest-rerunfailures==16.7.*")


def tests_of(library: str) -> Path:
    """The folder that the library's tests are run in."""
    name = f"{library}-{version(library)}"
    folder = FOLDER / name
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as temporary:
            wanted = f"{library}=={version(library)}"
            _pip("download", "--no-binary", ":all:", "--no-deps", "--dest", temporary, wanted)
            shutil.unpack_archive(f"{temporary}/{name}.tar.gz", temporary)
            (Path(temporary) / "tests").mkdir()
            for part in PARTS:
                shutil.move(f"{temporary}/{name}/{part}", f"{temporary}/tests/{part}")
            (Path(temporary) / "tests").rename(folder)
    return folder


def plugins() -> Path:
    """A folder to look for pytest's plugins in."""
    folder = FOLDER / "plugins"
    if not folder.exists():
        _pip("install", "--no-deps", "--target", str(folder), *PLUGINS)
    return folder


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("The registry has no such source package, or did not answer; pip says why above.")
