"""What processes have used: processor time and memory, read from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

KIB = 1024


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [each for child in path.read_text().split() for each in family(int(child))]
    return found


def cpu_seconds(pid: int) -> float:
    """Its own and that of children it has seen end: fields 14 to 17 of proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """Its share of the memory (PSS): what it has alone, and its part of what it shares."""
    found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * KIB if found else 0
