"""Who listens on the TCP ports of a host, and what runs them: a unit, a program of supervisord, a pidfile."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

LISTENING = "0A"
PIDFILES = ("run/*.pid", "run/*/*.pid")
#: supervisord tells its programs who they are.
SUPERVISED = re.compile(rb"(?:^|\0)SUPERVISOR_PROCESS_NAME=([^\0]+)")
INIT = 1


def listeners() -> list[dict[str, Any]]:
    """Each port with each process that listens there."""
    listening = {inode: port for table in ("tcp", "tcp6") for inode, port in _sockets(table)}
    owners = _owners(set(listening))
    found = {(listening[inode], pid) for inode, pid in owners.items()}
    return [
        {"port": port, "pid": pid, "process": _name(pid), "run_by": _run_by(pid, port=port)}
        for port, pid in sorted(found)
    ]


def _sockets(table: str) -> list[tuple[str, int]]:
    path = Path("/proc/net", table)
    if not path.exists():
        return []
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    return [(row[9], int(row[1].rpartition(":")[2], 16)) for row in rows if row[3] == LISTENING]


def _owners(inodes: set[str]) -> dict[str, int]:
    """The process of each socket; 0 where none can be seen."""
    owners = dict.fromkeys(inodes, 0)
    # systemd holds the sockets that it hands on, so the first of all processes is asked first.
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        for inode in _socket_inodes(process) & inodes:
            owners[inode] = owners[inode] or int(process.name)
    return owners


def _socket_inodes(process: Path) -> set[str]:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:  # it ended meanwhile
        return set()
    links = (_link(descriptor) for descriptor in descriptors)
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile, which says nothing of the others
        return ""


def _name(pid: int) -> str:
    return _read(pid, "comm").decode(errors="replace").strip()


def _run_by(pid: int, *, port: int) -> list[str]:
    if pid == INIT:
        return _socket_units(port)
    supervised = SUPERVISED.search(_read(pid, "environ"))
    program = [supervised[1].decode(errors="replace")] if supervised else []
    return [*_units(pid), *program, *_pidfiles(pid)]


def _units(pid: int) -> list[str]:
    """The unit whose cgroup the process is in."""
    for line in _read(pid, "cgroup").decode(errors="replace").splitlines():
        for part in reversed(line.split(":", 2)[-1].split("/")):
            if part.endswith((".service", ".scope")):
                return [part]
    return []


def _socket_units(port: int) -> list[str]:
    asked = ["systemctl", "list-sockets", "--all", "--plain", "--no-legend"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return []
    rows = [line.split() for line in said.splitlines()]
    return [row[1] for row in rows if len(row) > 1 and row[0].rpartition(":")[2] == str(port)]


def _pidfiles(pid: int) -> list[str]:
    """The files that name the process or one that it comes from."""
    line = {str(number) for number in _with_ancestors(pid)}
    files = [path for pattern in PIDFILES for path in Path("/").glob(pattern)]
    return sorted(str(path) for path in files if _first_word(path) in line)


def _with_ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > INIT and pid not in found:
        found.append(pid)
        # The name, in parentheses, may hold blanks; the second field after it is the parent.
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        pid = int(fields[1]) if fields else 0
    return found


def _first_word(path: Path) -> str:
    try:
        return (path.read_text(errors="replace").split() or [""])[0]
    except OSError:
        return ""


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it ended meanwhile, or there is none
        return b""
