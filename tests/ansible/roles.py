"""Reads the roles as Ansible does."""

from __future__ import annotations

import json
from collections import ChainMap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = Path(__file__).parents[2] / "ansible" / "roles"
#: Without it no plugin is found by its full name.
init_plugin_loader()
NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())


def read(role: str, path: str) -> Any:
    """A YAML file of a role; nothing where there is none."""
    file = ROLES / role / path
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def render(role: str, template: str, *, to: Path, **variables: object) -> None:
    """Write a template of a role with its defaults and its own variables, and these."""
    source = ROLES / role / "templates" / template
    found = templar(role, **variables).evaluate_expression(
        trust_as_template(f"lookup('ansible.builtin.template', {str(source)!r})")
    )
    to.write_text(found)


def evaluated(role: str, expression: str, cases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By case, what an expression comes to among the variables of a role and those of the case."""
    return {
        name: templar(
            role,
            **case,
            **{f"ansible_{fact}": value for fact, value in case["facts"].items()},
            ansible_facts=case["facts"],
            inventory_hostname=name,
        ).evaluate_expression(trust_as_template(expression))
        for name, case in cases.items()
    }


def templar(role: str, **variables: object) -> Templar:
    """Ansible's own evaluation of expressions, among the variables of a role and these."""
    filter_loader.add_directory(str(ROLES / role / "filter_plugins"))
    files = [ROLES / role / path for path in ("defaults/main.yml", "vars/main.yml")]
    texts = [*(file.read_text() for file in files if file.exists()), json.dumps(variables)]
    loader = DataLoader()
    known = [loader.load(trust_as_template(text)) or {} for text in texts]
    return Templar(loader=loader, variables=dict(ChainMap(*reversed(known))))


def rendered_site(
    folder: Path, *, ipv6: bool = False, packages: list[str] | None = None, **variables: object
) -> str:
    """Our site as nginx reads it."""
    file = folder / "site"
    render(
        "proxy",
        "etc/nginx/sites-available/groundwork.j2",
        to=file,
        proxy_server_names=["one.example"],
        __proxy_nginx={"stderr": "nginx version: nginx/1.22.1"},
        __proxy_ipv6={"stat": {"exists": ipv6}},
        __proxy_packages={"ours": packages or []},
        **variables,
    )
    return file.read_text()
