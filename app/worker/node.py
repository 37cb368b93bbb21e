"""The names of workers, and who else works for the same pidfile.

While one worker takes over from another both are alive, and Celery wants names that differ: the second
generation is `standard@host+2`. A generation that is free again is used again, so that names stay few.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from app.pidfile import announcement

if TYPE_CHECKING:
    from collections.abc import Collection

PROC = Path("/proc")
GENERATION = "+"


@dataclass(frozen=True, kw_only=True)
class Relative:
    """A living worker of one pidfile, whether the file names it or not."""

    pid: int
    #: As it was given to Celery, with `%h` for the host.
    node: str

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return _parent(self.pid) is not None


def node_of(pool: str, *, generation: int = 1) -> str:
    """What Celery is to call a worker; it puts the host in."""
    return f"{pool}@%h" if generation == 1 else f"{pool}@%h{GENERATION}{generation}"


def without_generation(node: str) -> str:
    """The name that all generations of a worker have in common."""
    return node.partition(GENERATION)[0]


def free_generation(pool: str, *, taken: Collection[str]) -> int:
    """The lowest generation whose name none of the living has."""
    return next(number for number in count(1) if node_of(pool, generation=number) not in taken)


def relatives(pidfile: Path) -> list[Relative]:
    """The workers that were started for `pidfile`, without the processes of their pools."""
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            words = command_line(int(folder.name))
            if announcement(pidfile) in words and "-n" in words:
                found[int(folder.name)] = words[words.index("-n") + 1]
    return [
        Relative(pid=pid, node=node)
        for pid, node in sorted(found.items())
        if (parent := _parent(pid)) is not None and parent not in found
    ]


def command_line(pid: int) -> list[str]:
    """The arguments a process was started with; none when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    """Whose child a living process is."""
    try:
        # The name before it may hold anything, a parenthesis too.
        state, parent = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)
