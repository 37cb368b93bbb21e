"""Our stores on a host, which may have others beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

REDIS = "redis-server@groundwork"
REDIS_CONFIGURATION = "/etc/redis/redis-groundwork.conf"
RABBITMQ = "rabbitmq-groundwork"
REDIS_DATA = "/var/lib/redis-groundwork"


def cluster(host: Host) -> str:
    """Our cluster of PostgreSQL by version and name, as Debian's commands take it."""
    return str(host.check_output("cd /etc/postgresql && ls -d */groundwork"))


def postgresql(host: Host) -> str:
    """Its unit."""
    return f"postgresql@{cluster(host).replace('/', '-')}"


def selected(host: Host, statement: str) -> list[str]:
    """What our database answers, a row a line."""
    psql = "runuser -u postgres -- psql --cluster %s -XqAt %s -c %s"
    return str(host.check_output(psql, cluster(host), database(host), statement)).splitlines()


def database(host: Host) -> str:
    """The one that the service is told of."""
    written: dict[str, str] = json.loads(host.check_output("cat /etc/groundwork-backup.json"))
    return written["postgresql"]
