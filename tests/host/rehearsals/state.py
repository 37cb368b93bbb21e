"""What a host is at one moment, so that two moments can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.host.rehearsals.container import Container

#: What goes on by itself, such as logs and jobs, is no part of it.
_LINKS = "for link in current previous; do echo $link $(readlink /opt/groundwork/$link || echo none); done"
_FILES = r"""
find /etc/groundwork /etc/nginx /etc/redis /etc/logrotate.d /etc/systemd/system /etc/tmpfiles.d \
    /etc/sysusers.d /usr/lib/sysusers.d/groundwork.conf /usr/lib/tmpfiles.d/groundwork.conf \
    /usr/local/bin /var/lib/groundwork-deploy -type f ! -name 'lock*' -printf '%m %u:%g %p ' \
    -exec sh -c 'sha256sum <"$1"' - {} ';' 2>/dev/null | sort || true
find /etc/systemd/system -type l -printf '%p -> %l\n' | sort
"""
_SERVICES = "'groundwork*' 'redis-server@*' nginx.service 'postgresql@*'"
_UNITS = f"""
systemctl list-units --all --plain --no-legend {_SERVICES} |
    awk '{{print $1, $3}}' | grep -v groundwork-backup.service | sort
systemctl list-unit-files --no-legend 'groundwork*' | sort
"""
_SCHEMA = r"runuser -u postgres -- pg_dump --schema-only groundwork | grep -vE '^\\(un)?restrict '"
_REVISION = "runuser -u postgres -- psql -qAt groundwork -c 'SELECT version_num FROM alembic_version'"


@dataclass(frozen=True, kw_only=True)
class State:
    """Each part as text, so that a difference can be read."""

    links: str
    files: str
    units: str
    schema: str
    revision: str


def state_of(container: Container) -> State:
    """Look at the host."""
    return State(
        links=container.shell(_LINKS),
        files=container.shell(_FILES),
        units=container.shell(_UNITS),
        schema=container.shell(_SCHEMA),
        revision=container.shell(_REVISION),
    )


def main_pids(container: Container) -> dict[str, int]:
    """The main process of each service that runs, by its unit."""
    listed = f"systemctl list-units --plain --no-legend --type=service --state=active {_SERVICES}"
    units = [line.split()[0] for line in container.shell(listed).splitlines()]
    shown = container.run("systemctl", "show", "--property=Id,MainPID", *units).strip()
    pairs = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n")]
    return {pair["Id"]: int(pair["MainPID"]) for pair in pairs if int(pair["MainPID"])}
