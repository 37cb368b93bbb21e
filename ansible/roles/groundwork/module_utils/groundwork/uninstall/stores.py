"""Stopping our Redis, RabbitMQ, PostgreSQL and what watches them on a host that is to have none any more."""

from __future__ import annotations

import re
from pathlib import Path

from ansible.module_utils.groundwork.commands import run, run_checked
from ansible.module_utils.groundwork.ownership.clusters import Cluster, clusters
from ansible.module_utils.groundwork.ownership.names import (
    MONITORING_UNITS,
    RABBITMQ_UNIT,
    REDIS_CONFIGURATION,
    REDIS_SCRIPT,
    REDIS_UNIT,
    UPKEEP_TIMER,
)
from ansible.module_utils.groundwork.paths import UNITS

#: A large memory takes its time to be written.
STOP_SECONDS = 600.0


def decommission(*, purge: bool) -> None:
    """Stop all, now and after a boot. Data stays unless `purge`; a deploy takes it up again."""
    for unit in (UPKEEP_TIMER, *(f"{name}.service" for name in MONITORING_UNITS)):
        if (Path(UNITS) / unit).is_file():
            run(["systemctl", "disable", "--quiet", "--now", unit], seconds=STOP_SECONDS)
    if REDIS_CONFIGURATION.is_file():
        _stop_redis()
    if (Path(UNITS) / f"{RABBITMQ_UNIT}.service").is_file():
        run(["systemctl", "disable", "--quiet", "--now", RABBITMQ_UNIT], seconds=STOP_SECONDS)
    for cluster in clusters():
        if cluster.is_ours:
            _decommission(cluster, purge=purge)


def _stop_redis() -> None:
    if _has_systemd():
        run(["systemctl", "disable", "--quiet", "--now", REDIS_UNIT], seconds=STOP_SECONDS)
        return
    run([f"/etc/init.d/{REDIS_SCRIPT}", "stop"], seconds=STOP_SECONDS)
    run(["update-rc.d", "-f", REDIS_SCRIPT, "remove"])


def _decommission(cluster: Cluster, *, purge: bool) -> None:
    version, name = cluster.name.split("/")
    if _has_systemd():
        run(["systemctl", "disable", "--quiet", "--now", cluster.unit], seconds=STOP_SECONDS)
    if purge:
        sentence = f"The PostgreSQL cluster {cluster.name} could not be removed."
        run_checked(["pg_dropcluster", "--stop", version, name], message=sentence, seconds=STOP_SECONDS)
        return
    run(["pg_ctlcluster", version, name, "stop"], seconds=STOP_SECONDS)
    start = cluster.folder / "start.conf"
    start.write_text(re.sub(r"^auto$", "manual", start.read_text(), flags=re.MULTILINE))


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()
