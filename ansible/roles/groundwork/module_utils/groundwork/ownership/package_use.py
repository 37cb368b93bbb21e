"""Packages that came with a deploy, and that others on the host use by now."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run
from ansible.module_utils.groundwork.ownership.clusters import clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = ("nginx", "nginx-common")
REDIS = ("redis-server", "redis-tools")
RABBITMQ = ("rabbitmq-server",)
#: What its package puts there.
RABBITMQ_FILES_OF_THE_PACKAGE = {"rabbitmq-env.conf"}
#: Where sites of others are, and what the package itself puts there.
SITES = ("conf.d/*", "sites-available/*", "sites-enabled/*")
SITES_OF_THE_PACKAGE = {"sites-available/default", "sites-enabled/default"}
FILES_OF_THE_PACKAGE = ("nginx.conf", "sites-available/default")
#: What the package has, and the role `proxy` raises.
CONNECTIONS_OF_THE_PACKAGE = "768"


def used_by_others(*, etc: Path = Path("/etc"), data: Path = Path("/var/lib")) -> set[str]:
    """The packages, once what is ours is gone from their folders. Those that they need stay with them."""
    return {
        *(NGINX if _has_sites(etc / "nginx") else ()),
        *(REDIS if _has_redis(etc / "redis", data=data / "redis") else ()),
        *(RABBITMQ if _has_rabbitmq(etc / "rabbitmq", data=data / "rabbitmq/mnesia") else ()),
        *(_postgresql(etc / "postgresql")),
    }


def _has_sites(folder: Path) -> bool:
    found = {str(path.relative_to(folder)) for pattern in SITES for path in folder.glob(pattern)}
    changed = [name for name in FILES_OF_THE_PACKAGE if _is_changed(folder / name)]
    return bool(found - SITES_OF_THE_PACKAGE or changed)


def _is_changed(path: Path) -> bool:
    if not path.is_file():
        return False
    text = re.sub(r"(worker_connections\s+)\d+;", rf"\g<1>{CONNECTIONS_OF_THE_PACKAGE};", path.read_text())
    known = run(["dpkg-query", "--show", "--showformat=${Conffiles}", "nginx-common"]).stdout
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"{path} {digest}" not in known


def _has_redis(folder: Path, *, data: Path) -> bool:
    return any(folder.glob("redis-*.conf")) or (data.is_dir() and any(data.iterdir()))


def _has_rabbitmq(folder: Path, *, data: Path) -> bool:
    configured = {path.name for path in folder.glob("*")} - RABBITMQ_FILES_OF_THE_PACKAGE
    return bool(configured) or (data.is_dir() and any(data.iterdir()))


def _postgresql(folder: Path) -> Iterator[str]:
    for cluster in clusters(folder):
        version = cluster.folder.parent.name
        yield from (
            f"postgresql-{version}",
            f"postgresql-client-{version}",
            "postgresql",
            "postgresql-common",
        )
