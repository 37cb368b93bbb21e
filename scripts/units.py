"""Reads the unit files of `systemd/` the way systemd does: the body, then the drop-ins on top."""

from __future__ import annotations

import configparser
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app import topology  # noqa: E402 (the line above makes it importable without an installation)

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
    service: dict[str, str]

    def __getitem__(self, key: str) -> str:
        return self.service[key]

    def get(self, key: str, default: str) -> str:
        """The directive `key`, or what systemd takes when it is absent."""
        return self.service.get(key, default)

    @property
    def command(self) -> list[str]:
        """ExecStart as words. It must be one plain command, so that any supervisor can run it."""
        line = self["ExecStart"]
        if set(line) & set("$%;\"'\\"):
            raise UnfitUnit(f"ExecStart of {self.program} is no plain command: {line}")
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


def read_unit(file: str) -> configparser.ConfigParser:
    """The unit `file` with all that applies to it."""
    merged = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    merged.optionxform = str  # type: ignore[assignment,method-assign]  # directives are case sensitive
    drop_ins = [*UNITS.glob(f"{PREFIX_DROP_INS}/*.conf"), *UNITS.glob(f"{file}.d/*.conf")]
    merged.read([UNITS / file, *sorted(drop_ins, key=lambda path: path.name)])
    return merged


def _unit(*, file: str, instance: str | None) -> ServiceUnit:
    program = unit_name(file=file, instance=instance).removesuffix(".service").replace("@", "-")
    section = read_unit(file)["Service"]
    return ServiceUnit(
        program=program, service={key: value.replace("%i", instance or "") for key, value in section.items()}
    )
