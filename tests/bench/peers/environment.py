"""The virtual environments that peers run in: made once in `var/`, and anew when what they hold changes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "var" / "bench"
#: Where pyenv keeps interpreters that are not on the path.
PYENV = Path.home() / ".pyenv" / "versions"
NAMES = ("python3.14", "python3.13", "python3.12")


class TooOld(Exception):
    def __init__(self, name: str, *, needed: tuple[int, int]) -> None:
        version = ".".join(map(str, needed))
        super().__init__(f"{name} is left out: it needs Python {version}, which this machine has not.")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What to install, and the oldest Python it works with."""

    name: str
    requirements: tuple[str, ...]
    python: tuple[int, int] = (3, 11)

    @cached_property
    def interpreter(self) -> str:
        """Its Python, with all that it needs. Raises `TooOld`."""
        base = self._base()
        content = "\n".join((base, str(FOLDER), *self.requirements))
        folder = FOLDER / f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        if not (folder / "complete").exists():
            _fill(folder, base=base, requirements=self.requirements)
        return str(folder / "bin" / "python")

    def _base(self) -> str:
        if sys.version_info >= self.python:
            return sys.executable
        known = [shutil.which(name) for name in NAMES]
        known += [str(path) for name in NAMES for path in sorted(PYENV.glob(f"*/bin/{name}"))]
        found = next((path for path in known if path and _is_new_enough(path, self.python)), None)
        if not found:
            raise TooOld(self.name, needed=self.python)
        return found


def _is_new_enough(interpreter: str, needed: tuple[int, int]) -> bool:
    asked = f"import ensurepip, sys; sys.exit(sys.version_info < {needed})"
    return subprocess.run([interpreter, "-c", asked], capture_output=True, check=False).returncode == 0


def _fill(folder: Path, *, base: str, requirements: tuple[str, ...]) -> None:
    subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--quiet"]
    command += ["--disable-pip-version-check", *requirements]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("The peers could not be installed; pip says why above. --only leaves them out.")
    (folder / "complete").touch()


#: For the clocks and counts of `peer`.
_COMMON = ("psycopg[binary]>=3.3", "psycopg-pool>=3.3", "redis[hiredis]>=8", "uvloop>=0.22")
PEERS = Environment(
    name="peers",
    requirements=(
        *_COMMON,
        "asyncpg>=0.31",
        "celery[redis]==5.7.*",
        "dramatiq[redis]==2.*",
        "pgqueuer==1.6.*",
        "procrastinate==3.10.*",
        "taskiq==0.13.*",
        "taskiq-redis==1.2.*",
    ),
)
OBAN = Environment(name="oban", requirements=(*_COMMON, "oban==0.7.*"), python=(3, 12))
