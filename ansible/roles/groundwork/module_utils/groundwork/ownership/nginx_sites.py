"""The sites of others in this host's nginx."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run
from ansible.module_utils.groundwork.ownership.names import INSTANCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OURS = (f"/etc/nginx/sites-enabled/{INSTANCE}", f"/etc/nginx/{INSTANCE}/")
FILE = re.compile(r"^# configuration file (\S+):$", re.MULTILINE)
#: A port that stands alone or behind an address: 443, [::]:443, 127.0.0.1:443.
LISTEN = re.compile(r"^\s*listen\s+(?:\S*:)?(\d+)[\s;]", re.MULTILINE)
NAMES = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)


def conflicts(*, ports: Collection[int], names: Collection[str]) -> list[str]:
    """Each name that another site has on one of these ports: nginx would serve only one of the two."""
    try:
        shown = run(["nginx", "-T"])
    except FileNotFoundError:
        return []
    return list(_conflicts(shown.stdout, ports=set(ports), names=set(names)))


def _conflicts(configuration: str, *, ports: set[int], names: set[str]) -> Iterator[str]:
    for file, text in _files(configuration):
        if file.startswith(OURS):
            continue
        for server in _servers(text):
            on = {int(port) for port in LISTEN.findall(server)} & ports
            same = {name for found in NAMES.findall(server) for name in found.split()} & names
            for name in sorted(same) if on else ():
                yield (
                    f"{file} serves {name} on port {min(on)} already. Give proxy_server_names other names, "
                    "or proxy_https_port and proxy_http_port other ports."
                )


def _files(configuration: str) -> Iterator[tuple[str, str]]:
    parts = FILE.split(configuration)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _servers(text: str) -> Iterator[str]:
    """The body of each server block."""
    plain = re.sub(r"#.*", "", text)
    for begun in re.finditer(r"\bserver\s*\{", plain):
        depth, end = 1, begun.end()
        while depth and end < len(plain):
            depth += {"{": 1, "}": -1}.get(plain[end], 0)
            end += 1
        yield plain[begun.end() : end - 1]
