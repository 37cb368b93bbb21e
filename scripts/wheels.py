"""Gets the wheels that a release needs for each Python it is for, whatever Python this machine has."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checkout import ReleaseFailed
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The Pythons of Debian 12 and 13, to the last digit: some dependencies are for some patch versions only.
TARGETS = {"3.11": "3.11.2", "3.13": "3.13.5"}
#: glibc of Debian 12, the oldest target; pip takes a wheel for any older one down to manylinux2014's.
GLIBC_MINOR = range(36, 16, -1)
#: Pure Python that is published as source only: the wheel is built here, of the source that the lock names.
BUILT_HERE = frozenset({"plaid-python"})
#: The time of all files in such a wheel, the earliest that a ZIP archive knows: it is the same everywhere.
SOURCE_DATE_EPOCH = "315532800"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The Python, on Linux, that wheels are for."""

    python: str
    machine: str = platform.machine()

    @property
    def markers(self) -> dict[str, str]:
        """What environment markers are compared with, on that host."""
        full_version = TARGETS[self.python]
        return {
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": full_version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full_version,
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def platforms(self) -> list[str]:
        """The platform tags that fit, the best first."""
        return [
            *(f"manylinux_2_{minor}_{self.machine}" for minor in GLIBC_MINOR),
            f"manylinux2014_{self.machine}",
        ]


def requirements_for(target: Target, *, lock: str) -> str:
    """The lines of `lock` that hold for `target`, without their markers."""
    return "".join(f"{line}\n" for line in _applicable(lock, target=target))


def _applicable(lock: str, *, target: Target) -> Iterator[str]:
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line.partition(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate(target.markers):
            hashes = re.findall(r"--hash=\S+", line)
            yield " ".join([f"{requirement.name}{requirement.specifier}", *hashes])


def pinned_to(wheels: Iterable[Path], *, requirements: str) -> str:
    """`requirements` with the hashes of the wheels that were built here, in place of their sources'."""
    built = {_name_of(wheel): wheel for wheel in wheels if _name_of(wheel) in BUILT_HERE}
    return "".join(
        f"{line.partition(' --hash=')[0]} --hash=sha256:{_digest(built[name])}\n" if name in built else line
        for line in requirements.splitlines(keepends=True)
        for name in [line.partition("==")[0]]
    )


def _name_of(wheel: Path) -> str:
    return wheel.name.partition("-")[0].replace("_", "-").lower()


def _digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def wheels_for(target: Target, *, requirements: str, cache: Path) -> list[Path]:
    """The wheels that `requirements` name; downloaded when these very lines were not before."""
    key = hashlib.sha256(f"{target.platforms}\n{requirements}".encode()).hexdigest()[:16]
    folder = cache / f"{target.python}-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        print(f"Downloading the wheels for Python {target.python} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _download(target, requirements=requirements, to=Path(scratch) / "wheels")
            # Whoever else was as fast has put the same files there.
            if not folder.is_dir():
                (Path(scratch) / "wheels").rename(folder)
    return sorted(folder.iterdir())


def _download(target: Target, *, requirements: str, to: Path) -> None:
    lines = requirements.splitlines(keepends=True)
    sources = [line for line in lines if line.partition("==")[0] in BUILT_HERE]
    _fetch(target, requirements="".join(line for line in lines if line not in sources), to=to)
    if sources:
        _build(target, requirements="".join(sources), to=to)


def _build(target: Target, *, requirements: str, to: Path) -> None:
    listed = to.with_name("sources.txt")
    listed.write_text(requirements)
    # With the locked setuptools of this environment; the index would bring whatever is newest.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += [
        "--no-deps",
        "--require-hashes",
        "--no-binary=:all:",
        "--no-build-isolation",
        "--no-cache-dir",
    ]
    done = subprocess.run(
        [*command, f"--wheel-dir={to}", f"--requirement={listed}"],
        env=os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ReleaseFailed(_why(done.stderr, target=target))
    compiled = [path.name for path in to.glob("*.whl") if _name_of(path) in BUILT_HERE and not _is_pure(path)]
    if compiled:
        raise ReleaseFailed(f"{compiled[0]} is for this machine only; a release needs wheels that fit hosts.")


def _is_pure(wheel: Path) -> bool:
    return wheel.name.endswith("-none-any.whl")


def _fetch(target: Target, *, requirements: str, to: Path) -> None:
    listed = to.with_name("requirements.txt")
    listed.write_text(requirements)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp"]
    command += [
        f"--python-version={TARGETS[target.python]}",
        *(f"--platform={tag}" for tag in target.platforms),
    ]
    done = subprocess.run(
        [*command, f"--dest={to}", f"--requirement={listed}"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ReleaseFailed(_why(done.stderr, target=target))


def _why(said: str, *, target: Target) -> str:
    """pip's last errors, and what each kind of them calls for."""
    errors = " ".join(line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR"))
    if "No space left" in said:
        fix = "Free some disk space (a release needs about 300 MB) and run this again."
    elif "DO NOT MATCH THE HASHES" in said:
        fix = "A file is not the one that was locked: find out why before you run scripts/lock."
    elif re.search(r"from versions: none|Temporary failure|connection|timed out|ProxyError|SSLError", said):
        fix = "See that this machine reaches its package index (`pip config list`) and run this again."
    else:
        fix = "Every dependency must have a wheel for every target; see what was locked last."
    return f"The wheels for Python {target.python} could not be obtained: {errors[-600:].strip()} {fix}"
