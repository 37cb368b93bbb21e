"""What is on a host that no deploy made, and stands where one would put something: a sentence for each."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import clusters, nginx_sites, redis_instances
from ansible.module_utils.groundwork.claims import ACCOUNT, found, names_of
from ansible.module_utils.groundwork.paths import INSTALLED, MADE
from ansible.module_utils.host_listeners import listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.module_utils.groundwork.made import Made

LAST_PORT = 65535
ELSEWHERE = "Move it away, or take another host."
#: Before deploys noted what they made, they took Debian's own instances for the service.
UNNOTED = (
    "This host was deployed to by a playbook that did not note what it made, and took the host's own Redis "
    'and PostgreSQL for the service. How to move it is in ansible/README.md, "Hosts of earlier playbooks".'
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the inventory wants this host to be."""

    parts: list[str]
    redis_port: int = 0
    postgresql_port: int = 0
    proxy_ports: tuple[int, ...] = ()
    server_names: tuple[str, ...] = ()


def sentences(wanted: Wanted, *, made: Made) -> list[str]:
    """Everything that is in the way; empty when the names and ports are free, or ours already."""
    if INSTALLED.is_file() and not MADE.is_file():
        return [UNNOTED]
    said = [*paths_of_others(wanted.parts, made=made), *_account(made)]
    if "redis" in wanted.parts and wanted.redis_port:
        said += _redis(wanted.redis_port)
    if "database" in wanted.parts:
        said += _postgresql(wanted.postgresql_port)
    if "api" in wanted.parts:
        said += nginx_sites.conflicts(ports=wanted.proxy_ports, names=wanted.server_names)
    return said


def paths_of_others(parts: list[str], *, made: Made, root: Path = Path("/")) -> Iterator[str]:
    """Files and folders under names that a deploy takes."""
    for name in sorted(names_of(parts) - set(made.names)):
        for path in found(name, root=root):
            yield f"{path} is there, and no deploy made it. {ELSEWHERE}"


def _account(made: Made) -> Iterator[str]:
    if made.account:
        return
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        yield from _group()
        return
    who = f"uid {entry.pw_uid}, home {entry.pw_dir}, shell {entry.pw_shell}"
    yield (
        f"The account {ACCOUNT} ({who}) is there, and no deploy made it. The service needs that name: "
        f"usermod --login ANOTHER {ACCOUNT}, or take another host."
    )


def _group() -> Iterator[str]:
    try:
        entry = grp.getgrnam(ACCOUNT)
    except KeyError:
        return
    yield (
        f"The group {ACCOUNT} (gid {entry.gr_gid}) is there, and no deploy made it. The service needs that "
        f"name: groupmod --new-name ANOTHER {ACCOUNT}, or take another host."
    )


def _free_port_after(port: int) -> int:
    taken = {held["port"] for held in listeners()}
    return next(number for number in range(port + 1, LAST_PORT) if number not in taken)


def _redis(port: int) -> Iterator[str]:
    for other in redis_instances.others(port):
        yield (
            f"{other} is not ours. Give redis_port another value, such as {_free_port_after(port)}: the "
            "service gets a Redis of its own beside it."
        )


def _postgresql(port: int) -> Iterator[str]:
    for other in clusters.others(port):
        yield (
            f"{other} is not ours. Give postgresql_port another value, such as {_free_port_after(port)}: the "
            "service gets a cluster of its own beside it."
        )
