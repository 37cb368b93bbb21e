"""What others have on a host where a deploy would put something: a sentence for each conflict."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.ownership import clusters, nginx_sites, rabbitmq_nodes, redis_instances
from ansible.module_utils.groundwork.ownership.names import ACCOUNT, names_of, paths_under
from ansible.module_utils.groundwork.paths import INSTALLED, OWNED
from ansible.module_utils.host_listeners import listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.module_utils.groundwork.ownership.owned import Owned

LAST_PORT = 65535
ELSEWHERE = "Move it away, or take another host."
#: Before deploys recorded what they made, they took Debian's own instances for the service.
UNRECORDED = (
    "This host was deployed to by a playbook that did not record what it made, and took the host's own Redis "
    'and PostgreSQL for the service. How to move it is in ansible/README.md, "Hosts of earlier playbooks".'
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The parts that a host is to have, and where they are to listen."""

    parts: list[str]
    redis_port: int = 0
    rabbitmq_port: int = 0
    postgresql_port: int = 0
    proxy_ports: tuple[int, ...] = ()
    server_names: tuple[str, ...] = ()


def found(claim: Claim, *, owned: Owned) -> list[str]:
    """Every conflict; none when the names and ports are free, or ours already."""
    if INSTALLED.is_file() and not OWNED.is_file():
        return [UNRECORDED]
    said = [*foreign_paths(claim.parts, owned=owned), *_account(owned)]
    if "redis" in claim.parts and claim.redis_port:
        said += _redis(claim.redis_port)
    if "rabbitmq" in claim.parts and claim.rabbitmq_port:
        said += _rabbitmq(claim.rabbitmq_port)
    if "database" in claim.parts:
        said += _postgresql(claim.postgresql_port)
    if "api" in claim.parts:
        said += nginx_sites.conflicts(ports=claim.proxy_ports, names=claim.server_names)
    return said


def foreign_paths(parts: list[str], *, owned: Owned, root: Path = Path("/")) -> Iterator[str]:
    """Files and folders under names that a deploy takes."""
    for name in sorted(names_of(parts) - set(owned.names)):
        for path in paths_under(name, root=root):
            yield f"{path} exists, and no deploy made it. {ELSEWHERE}"


def _account(owned: Owned) -> Iterator[str]:
    if owned.account:
        return
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        yield from _group()
        return
    who = f"uid {entry.pw_uid}, home {entry.pw_dir}, shell {entry.pw_shell}"
    yield (
        f"The account {ACCOUNT} ({who}) exists, and no deploy made it. The service needs that name: "
        f"usermod --login ANOTHER {ACCOUNT}, or take another host."
    )


def _group() -> Iterator[str]:
    try:
        entry = grp.getgrnam(ACCOUNT)
    except KeyError:
        return
    yield (
        f"The group {ACCOUNT} (gid {entry.gr_gid}) exists, and no deploy made it. The service needs that "
        f"name: groupmod --new-name ANOTHER {ACCOUNT}, or take another host."
    )


def _free_port_after(port: int) -> int:
    taken = {held["port"] for held in listeners()}
    return next(number for number in range(port + 1, LAST_PORT) if number not in taken)


def _redis(port: int) -> Iterator[str]:
    for other in redis_instances.foreign(port):
        yield (
            f"{other} is not ours. Give redis_port another value, such as {_free_port_after(port)}: the "
            "service gets a Redis of its own beside it."
        )


def _rabbitmq(port: int) -> Iterator[str]:
    for other in rabbitmq_nodes.foreign(port):
        yield (
            f"{other} is not ours. Give rabbitmq_port another value, such as {_free_port_after(port)}: the "
            "service gets a node of its own beside it."
        )


def _postgresql(port: int) -> Iterator[str]:
    for other in clusters.foreign(port):
        yield (
            f"{other} is not ours. Give postgresql_port another value, such as {_free_port_after(port)}: the "
            "service gets a cluster of its own beside it."
        )
