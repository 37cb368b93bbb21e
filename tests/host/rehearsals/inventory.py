"""An inventory as an operator writes it, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import yaml

from tests.host.rehearsals.container import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.host.rehearsals.container import Container

#: Without that of the broker.
GROUPS = ("api", "workers", "beat", "database")


def write_inventory(folder: Path, *, settings: Mapping[str, object] | None = None) -> Path:
    """`settings` and secrets made by `scripts/secrets`; `write_hosts` adds whom they are for."""
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder, settings or {})
    if not _secrets_file(folder).exists():
        subprocess.run([ROOT / "scripts" / "secrets", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def write_hosts(inventory: Path, *, host: Container, broker: str) -> None:
    """One host that does everything, where it is now: a restart may have changed that."""
    reached = {
        "ansible_host": host.address,
        "ansible_user": "operator",
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    groups = {group: {"hosts": {host.name: None}} for group in (*GROUPS, broker)}
    # JSON is YAML, too.
    hosts = {"all": {"hosts": {host.name: reached}, "children": groups}}
    (inventory / "hosts.yml").write_text(json.dumps(hosts, indent=2))


def write_settings(inventory: Path, settings: Mapping[str, object]) -> None:
    """Replace the operator's own settings."""
    path = inventory / "group_vars" / "all" / "settings.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2))


def read_secrets(inventory: Path) -> dict[str, str]:
    """The secrets by their names."""
    found: dict[str, str] = yaml.safe_load(_secrets_file(inventory).read_text())
    return found


def write_secrets(inventory: Path, values: Mapping[str, str]) -> None:
    """Replace the secrets."""
    _secrets_file(inventory).write_text(json.dumps(values, indent=2))


def _secrets_file(inventory: Path) -> Path:
    return inventory / "group_vars" / "all" / "secrets.yml"
