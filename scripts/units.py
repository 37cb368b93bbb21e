"""Reads the unit files of `systemd/` the way systemd does: the body, then the drop-ins on top."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app import topology  # noqa: E402 (the line above makes it importable without an installation)

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = ROOT / "systemd"
#: A drop-in folder of this name applies to every service whose name begins with it.
PREFIX_DROP_INS = "groundwork-.service.d"


class UnfitUnit(ValueError):
    """Raised for a unit that says something only systemd understands."""


@dataclass(frozen=True, kw_only=True)
class ServiceUnit:
    """One service as it runs: the `[Service]` section, with the instance's name filled in."""

    #: `groundwork-api`, or for an instance of a template `groundwork-worker-standard`.
    program: str
    service: dict[str, list[str]]

    def __getitem__(self, key: str) -> str:
        return self.service[key][-1]

    def get(self, key: str, default: str) -> str:
        """The directive `key`, or what systemd takes when it is absent."""
        return self.every(key)[-1] if key in self.service else default

    def every(self, key: str) -> list[str]:
        """The values of a directive that may be repeated, in the order in which systemd takes them."""
        return self.service.get(key, [])

    @property
    def command(self) -> list[str]:
        """ExecStart as words. It must be one plain command, so that any supervisor can run it."""
        line = self["ExecStart"]
        if set(line) & set("$%;\"'\\"):
            raise UnfitUnit(f"ExecStart of {self.program} is not a plain command: {line}")
        return line.split()


def service_units() -> list[ServiceUnit]:
    """Every service of the topology, a template once per instance."""
    return [
        _unit(file=service.unit, instance=instance)
        for service in topology.SERVICES
        for instance in service.instances or (None,)
    ]


def unit_name(*, file: str, instance: str | None) -> str:
    """`groundwork-worker@.service` and `bulk` make `groundwork-worker@bulk.service`."""
    return file.replace("@.", f"@{instance}.") if instance else file


def _unit(*, file: str, instance: str | None) -> ServiceUnit:
    program = unit_name(file=file, instance=instance).removesuffix(".service").replace("@", "-")
    service: dict[str, list[str]] = {}
    for key, value in _directives(file, section="Service"):
        service.setdefault(key, []).append(value.replace("%i", instance or ""))
    return ServiceUnit(program=program, service=service)


def _directives(file: str, *, section: str) -> Iterator[tuple[str, str]]:
    """What the unit says in one section, and after it all drop-ins that apply, by their names."""
    drop_ins = [*UNITS.glob(f"{PREFIX_DROP_INS}/*.conf"), *UNITS.glob(f"{file}.d/*.conf")]
    for path in [UNITS / file, *sorted(drop_ins, key=lambda path: path.name)]:
        inside = False
        for line in path.read_text().splitlines():
            if line.startswith("["):
                inside = line == f"[{section}]"
            elif inside and "=" in line:
                key, _, value = line.partition("=")
                yield key, value
