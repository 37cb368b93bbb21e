"""Taking everything off a host that deploys laid down; the data only on demand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import must, run
from ansible.module_utils.groundwork.files import lay_down, remove_tree
from ansible.module_utils.groundwork.paths import DATA, ETC, LOGS, OPT, STATE, TRIAL, USER
from ansible.module_utils.groundwork.wanted import present_host

if TYPE_CHECKING:
    from ansible.module_utils.groundwork.manager import Manager

COMMAND = Path("/usr/local/bin/groundwork")
HOMES = (ETC, OPT, TRIAL, COMMAND)
DATA_HOMES = (DATA, LOGS, Path("/var/backups/groundwork"))
#: What the roles beside this one lay down for the service in folders that belong to others.
SURROUNDINGS = (
    "etc/cron.d/groundwork-*",
    "etc/cron.hourly/groundwork-*",
    "etc/groundwork-backup.json",
    "etc/logrotate.d/groundwork",
    "etc/nginx/groundwork",
    "etc/postgresql/*/main/conf.d/groundwork.conf",
    "etc/sysctl.d/groundwork.conf",
    "etc/systemd/system/*.d/groundwork.conf",
    "etc/systemd/system/*.wants/backup-groundwork.timer",
    "etc/systemd/system/backup-groundwork.*",
    "etc/systemd/timesyncd.conf.d/groundwork.conf",
    "usr/lib/sysusers.d/groundwork.conf",
    "usr/lib/tmpfiles.d/groundwork.conf",
    "usr/local/lib/groundwork*",
    "usr/local/sbin/groundwork-*",
    "usr/local/share/ca-certificates/groundwork-*.crt",
    "var/lib/systemd/timers/stamp-backup-groundwork.timer",
)


def remains(*, purge: bool) -> list[str]:
    """What there is to remove."""
    files = [*present_host().files, *HOMES, STATE, *_surroundings(), *(DATA_HOMES if purge else ())]
    return sorted(str(path) for path in files if path.exists() or path.is_symlink())


def remove(*, purge: bool, manager: Manager) -> None:
    """Stop the services and remove them; with `purge` their data, logs and user too."""
    host = present_host()
    for instance in sorted({*host.instances, *manager.installed()}):
        manager.remove(instance)
    manager.disband()
    manager.forget("backup-groundwork")
    gone = [*host.files, *_surroundings()]
    lay_down({}, paths=host.files)
    for path in (*HOMES, *_surroundings(), *(DATA_HOMES if purge else ())):
        remove_tree(path)
    manager.take_over(gone)
    if purge and run(["getent", "passwd", USER]).returncode == 0:
        must(["userdel", USER], sentence=f"The user {USER} could not be removed.")
    # Last, because until then a second attempt has to know what there was.
    remove_tree(STATE)


def _surroundings() -> list[Path]:
    return [path for pattern in SURROUNDINGS for path in Path("/").glob(pattern)]
