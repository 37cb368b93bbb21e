"""What is installed can be removed, and comes back on top of its data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host

#: Everything with our name on it, outside of the data and of what the distribution's packages keep.
LEFT = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /var/lib/postgresql -o -path /var/backups \
    -o -path /var/log -o -path /var/lib/groundwork -o -path /var/lib/groundwork-deploy \
    -o -path /var/lib/redis-groundwork -o -path /etc/postgresql -o -path /home/operator -o -path /tmp \
    -o -path /var/tmp \) -prune \
    -o -name '*groundwork*' -print
find /etc/systemd /run/systemd -name '*groundwork*'
systemctl list-units --all --plain --no-legend 'groundwork*'
"""


def test_an_uninstall_leaves_the_data_and_a_deploy_over_it_goes_on(host: Host) -> None:
    name = f"kept{int(time.time())}"
    job = host.service.submit("rehearsal.nap", name=name, seconds=0)
    assert host.service.finish(job)["state"] == "done"
    removed = host.play("uninstall.yml").succeed()
    assert host.container.shell(LEFT) == ""
    assert host.container.shell("ps -eo user= | grep -c '^groundwo' || true").strip() == "0"
    back = host.deploy(host.base).succeed()
    print(f"uninstall {removed.seconds:.0f} s, deploy over it {back.seconds:.0f} s")
    assert host.service.job(job)["state"] == "done"
    assert host.service.finish(host.service.submit("rehearsal.nap", name=name, seconds=0))["state"] == "done"
