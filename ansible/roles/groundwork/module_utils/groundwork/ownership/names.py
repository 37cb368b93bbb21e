"""The names that deploys take on a host, by part. What was there before the first belongs to others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.groundwork import paths

#: Of our own beside what others have: redis-server@NAME, a cluster of PostgreSQL, a site of nginx.
INSTANCE = "groundwork"
ACCOUNT = paths.USER
#: How our Redis is started; under systemd by Debian's template, which says where its files are.
REDIS_UNIT = f"redis-server@{INSTANCE}"
REDIS_SCRIPT = f"redis-{INSTANCE}"
REDIS_CONFIGURATION = Path(f"/etc/redis/redis-{INSTANCE}.conf")
REDIS_PIDFILE = Path(f"/run/redis-{INSTANCE}/redis-server.pid")
#: A unit of its own, for Debian has no template for a second one.
RABBITMQ_UNIT = f"rabbitmq-{INSTANCE}"
MONITORING_UNITS = tuple(
    f"{name}-{INSTANCE}"
    for name in (
        "prometheus",
        "alertmanager",
        "node-exporter",
        "redis-exporter",
        "postgres-exporter",
        "nginx-exporter",
        "upkeep",
    )
)
UPKEEP_TIMER = f"upkeep-{INSTANCE}.timer"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Paths, and patterns of paths where a name holds a version or a digest."""

    #: What goes with every uninstall.
    installed: tuple[str, ...]
    #: What goes only with a purge.
    data: tuple[str, ...] = ()


PARTS = {
    "host": Names(
        installed=(
            "/etc/cron.hourly/groundwork-logrotate",
            "/etc/logrotate.d/groundwork",
            "/etc/sysctl.d/groundwork.conf",
            "/etc/systemd/system/logrotate.timer.d/groundwork.conf",
            "/etc/systemd/timesyncd.conf.d/groundwork.conf",
            "/usr/lib/sysusers.d/groundwork.conf",
            "/usr/lib/tmpfiles.d/groundwork.conf",
            "/usr/local/lib/groundwork",
            "/usr/local/share/ca-certificates/groundwork-*.crt",
        ),
    ),
    "backup": Names(
        installed=(
            "/etc/cron.d/groundwork-backup",
            "/etc/groundwork-backup.json",
            "/etc/systemd/system/backup-groundwork.service",
            "/etc/systemd/system/backup-groundwork.timer",
            "/usr/local/lib/groundwork-backup",
            "/usr/local/sbin/groundwork-backup",
            "/var/lib/groundwork-backup",
            "/var/lib/systemd/timers/stamp-backup-groundwork.timer",
        ),
        data=("/var/backups/groundwork",),
    ),
    "service": Names(
        installed=(
            str(paths.ETC),
            str(paths.SUPERVISOR),
            str(paths.OPT),
            str(paths.TRIAL),
            "/usr/local/bin/groundwork",
        ),
        data=(str(paths.DATA), str(paths.LOGS)),
    ),
    "redis": Names(
        installed=(
            f"/etc/init.d/{REDIS_SCRIPT}",
            "/etc/logrotate.d/groundwork-redis",
            f"/etc/redis/{INSTANCE}",
            str(REDIS_CONFIGURATION),
            f"/etc/systemd/system/{REDIS_UNIT}.service.d",
        ),
        data=(f"/var/lib/redis-{INSTANCE}", f"/var/log/redis-{INSTANCE}"),
    ),
    "rabbitmq": Names(
        installed=(
            "/etc/logrotate.d/groundwork-rabbitmq",
            f"/etc/rabbitmq-{INSTANCE}",
            f"/etc/systemd/system/{RABBITMQ_UNIT}.service",
            "/usr/local/sbin/groundwork-rabbitmqctl",
        ),
        data=(f"/var/lib/rabbitmq-{INSTANCE}", f"/var/log/rabbitmq-{INSTANCE}"),
    ),
    "database": Names(
        installed=(
            "/etc/postgresql-common/createcluster.d/groundwork.conf",
            f"/etc/systemd/system/postgresql@*-{INSTANCE}.service.d",
        ),
        data=(f"/etc/postgresql/*/{INSTANCE}", f"/var/lib/postgresql/*/{INSTANCE}"),
    ),
    "api": Names(
        installed=(
            "/etc/logrotate.d/groundwork-proxy",
            f"/etc/nginx/{INSTANCE}",
            "/etc/nginx/modules-enabled/90-groundwork.conf",
            f"/etc/nginx/sites-available/{INSTANCE}",
            f"/etc/nginx/sites-enabled/{INSTANCE}",
            "/etc/systemd/system/nginx.service.d/groundwork.conf",
        ),
        data=(f"/var/log/nginx-{INSTANCE}",),
    ),
    "monitoring": Names(
        installed=(
            f"/etc/monitoring-{INSTANCE}",
            *(f"{paths.UNITS}/{unit}.service" for unit in MONITORING_UNITS),
            f"{paths.UNITS}/{UPKEEP_TIMER}",
            "/usr/local/lib/groundwork-upkeep",
        ),
        data=(f"/var/lib/prometheus-{INSTANCE}", f"/var/lib/alertmanager-{INSTANCE}"),
    ),
}
#: Units of the service; which of them a release has, the release says.
UNITS = (f"{paths.UNITS}/groundwork*", "/etc/supervisor/conf.d/groundwork-*")


def names_of(parts: list[str]) -> set[str]:
    """All names of these parts of a host."""
    taken = [PARTS[part] for part in parts]
    units = UNITS if "service" in parts else ()
    return {*units, *(name for names in taken for name in (*names.installed, *names.data))}


def paths_under(name: str, *, root: Path = Path("/")) -> list[Path]:
    """The paths that a name matches."""
    return sorted(root.glob(name.lstrip("/")))
