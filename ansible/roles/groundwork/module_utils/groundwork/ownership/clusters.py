"""The clusters of PostgreSQL on this host, told apart from the service's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.groundwork.commands import run
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.ownership.names import INSTANCE

HOME = Path("/etc/postgresql")
DEFAULT_PORT = 5432
TIMEOUT_SECONDS = 10.0
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One, by the folder of its configuration."""

    folder: Path

    @property
    def name(self) -> str:
        """As the commands of postgresql-common take it: 15/main."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def unit(self) -> str:
        """Its instance under systemd."""
        return f"postgresql@{self.folder.parent.name}-{self.folder.name}"

    @property
    def is_ours(self) -> bool:
        """Whether a deploy made it."""
        return self.folder.name == INSTANCE

    @property
    def port(self) -> int:
        """Where it listens, or would: the last word of its files."""
        files = [self.folder / "postgresql.conf", *sorted(self.folder.glob("conf.d/*.conf"))]
        written = "\n".join(path.read_text(errors="replace") for path in files if path.is_file())
        ports = re.findall(r"^\s*port\s*=?\s*'?(\d+)", written, re.MULTILINE | re.IGNORECASE)
        return int(ports[-1]) if ports else DEFAULT_PORT


def clusters(home: Path = HOME) -> list[Cluster]:
    """All of this host."""
    return [Cluster(folder=path.parent) for path in sorted(home.glob("*/*/postgresql.conf"))]


def foreign(port: int, *, home: Path = HOME) -> list[str]:
    """Each that has that port, running or not, and is not ours; as the beginning of a sentence."""
    return [
        f"The PostgreSQL cluster {one.name}{_holding(one)}, on port {port},"
        for one in clusters(home)
        if one.port == port and not one.is_ours
    ]


def _holding(cluster: Cluster) -> str:
    """What it holds, if it runs."""
    psql = ["psql", "--cluster", cluster.name, "-XAtqc", DATABASES, "postgres"]
    try:
        asked = run(["runuser", "-u", "postgres", "--", *psql], seconds=TIMEOUT_SECONDS)
    except Failure:
        return ""
    names = asked.stdout.split() if asked.returncode == 0 else []
    return f" with the database{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else ""
