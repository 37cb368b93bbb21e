"""What an operator may set, as the roles' argument_specs say it: a table per role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "ansible" / "roles"


def rows_of(role: str) -> list[tuple[str, str, str]]:
    """The variables of a role: name, default, what it does."""
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, dict[str, Any]] = specs["argument_specs"]["main"]["options"]
    return [
        (f"`{name}`", _shown(option.get("default")), " ".join(option["description"].split()))
        for name, option in options.items()
    ]


def roles() -> list[str]:
    """The roles that take variables."""
    return sorted(path.parent.parent.name for path in ROLES.glob("*/meta/argument_specs.yml"))


def _shown(default: object) -> str:
    if default in (None, "", [], {}):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list | dict):
        text = yaml.safe_dump(default, default_flow_style=True, width=10_000).strip()
    else:
        text = str(default)
    return "computed" if "{{" in text else f"`{' '.join(text.split())}`"
