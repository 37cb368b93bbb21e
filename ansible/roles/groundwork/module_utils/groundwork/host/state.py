"""What a host is to be: a release, its files, its services. And what it was, to go back to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.files import File, Files, as_data, existing, from_data
from ansible.module_utils.groundwork.host.instances import (
    Instance,
    desired_instances,
    fingerprint,
    settings_owners,
)
from ansible.module_utils.groundwork.host.settings_files import settings_files
from ansible.module_utils.groundwork.install import releases
from ansible.module_utils.groundwork.paths import CURRENT, ETC, INSTALLED, PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible.module_utils.groundwork.managers.manager import Manager

#: What every module that looks at a whole host is told. Secrets are apart: Ansible hides each value of an
#: option that is secret, wherever it occurs, and "4" occurs often.
ARGUMENTS: dict[str, Any] = {
    "host": {
        "type": "dict",
        "required": True,
        "options": {
            "groups": {"type": "list", "elements": "str", "default": []},
            "pools": {"type": "list", "elements": "str", "default": []},
            "without": {"type": "list", "elements": "str", "default": []},
            "settings": {"type": "dict", "default": {}},
            "pool_settings": {"type": "dict", "default": {}},
            "unit_files": {"type": "dict", "default": {}},
            "address": {"type": "str", "default": "127.0.0.1:8000"},
            "manager": {"type": "str", "choices": ["systemd", "supervisor"], "default": "systemd"},
        },
    },
    "release": {"type": "str"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
}


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host as it is to be, or as it was."""

    release: str | None
    previous: str | None
    files: Files
    instances: tuple[Instance, ...]
    #: What each running service was made of.
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def desired_host(parameters: Mapping[str, Any], *, manager: Manager) -> Host:
    """The host that the parameters of a module ask for. Raises what is wrong with them."""
    asked = parameters["host"]
    release = releases.chosen(parameters["release"])
    was = releases.linked(CURRENT)
    topology = releases.topology_of(release)
    instances = desired_instances(
        topology, groups=asked["groups"], pools=asked["pools"], without=asked["without"]
    )
    owners = settings_owners(topology)
    settings = settings_files(
        settings=asked["settings"], pool_settings=asked["pool_settings"], secrets=parameters["secrets"]
    )
    told = manager.files(
        releases.release_folder(release), extra=asked["unit_files"], address=asked["address"]
    )
    files = {path: File(content=content) for path, content in told.items()}
    files |= {ETC / place: file for place, file in settings.items()}
    return Host(
        release=release,
        previous=releases.linked(PREVIOUS) if was == release else was,
        files=files,
        instances=tuple(instances),
        fingerprints={
            one.name: fingerprint(one, release=release, files=files, owners=owners) for one in instances
        },
    )


def current_host(*, also: Iterable[Path] = ()) -> Host:
    """The host as the last deploy left it, with the content that files have now.

    `also` are files that may be there though no deploy laid them down.
    """
    known = json.loads(INSTALLED.read_text()) if INSTALLED.is_file() else {}
    paths = {Path(path) for path in known.get("files", [])}
    return Host(
        release=releases.linked(CURRENT),
        previous=releases.linked(PREVIOUS),
        files=existing(paths | set(also)),
        instances=tuple(Instance(**one) for one in known.get("instances", [])),
        fingerprints=known.get("fingerprints", {}),
    )


def record(host: Host) -> None:
    """Remember what was installed, without its secrets."""
    data = {
        "release": host.release,
        "files": sorted(map(str, host.files)),
        "instances": [_as_data(one) for one in host.instances],
        "fingerprints": dict(host.fingerprints),
    }
    beside = INSTALLED.with_name(f".{INSTALLED.name}.new")
    beside.write_text(json.dumps(data, indent=2) + "\n")
    beside.rename(INSTALLED)


def as_json(host: Host) -> str:
    """All of it, secrets too, for a file that only root can read."""
    return json.dumps(
        {
            "release": host.release,
            "previous": host.previous,
            "files": as_data(host.files),
            "instances": [_as_data(one) for one in host.instances],
            "fingerprints": dict(host.fingerprints),
        }
    )


def from_json(text: str) -> Host:
    """The reverse of `as_json`."""
    data = json.loads(text)
    return Host(
        release=data["release"],
        previous=data["previous"],
        files=from_data(data["files"]),
        instances=tuple(Instance(**one) for one in data["instances"]),
        fingerprints=data["fingerprints"],
    )


def _as_data(instance: Instance) -> dict[str, str]:
    return {"service": instance.service, "pool": instance.pool}
