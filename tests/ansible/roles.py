"""Reads the roles as Ansible does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = Path(__file__).parents[2] / "ansible" / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())


def read(role: str, path: str) -> Any:
    """A YAML file of a role; nothing where there is none."""
    file = ROLES / role / path
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def render(role: str, template: str, *, to: Path, **variables: object) -> None:
    """Write a template of a role with its defaults and its own variables, and these."""
    files = [ROLES / role / path for path in ("defaults/main.yml", "vars/main.yml")]
    given = [f"@{file}" for file in files if file.exists()] + [json.dumps(variables)]
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible")),
            "localhost",
            "--module-name=ansible.builtin.template",
            f"--args=src={ROLES / role / 'templates' / template} dest={to}",
            *(f"--extra-vars={value}" for value in given),
        ],
        capture_output=True,
        text=True,
        env=_environment(role),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _environment(role: str) -> dict[str, str]:
    return {**os.environ, "ANSIBLE_FILTER_PLUGINS": str(ROLES / role / "filter_plugins")}


def evaluated(role: str, expression: str, cases: Mapping[str, Mapping[str, Any]], *, folder: Path) -> Any:
    """By case, what an expression comes to among the variables of a role and those of the case.

    All cases have the same names among their `facts`.
    """
    own = {
        **read(role, "defaults/main.yml"),
        **read(role, "vars/main.yml"),
        "asked": "{{ " + expression + " }}",
    }
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {name: {**own, **here, **case} for name, case in cases.items()}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    facts = {
        f"ansible_{name}": f"{{{{ facts.{name} }}}}" for case in cases.values() for name in case["facts"]
    }
    by_host = "{{ dict(groups.all | zip(groups.all | map('extract', hostvars, 'asked'))) | to_json }}"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            # Only what is cacheable is among the facts.
            {"ansible.builtin.set_fact": {"cacheable": True, **facts}},
            {"ansible.builtin.copy": {"dest": str(folder / "found"), "content": by_host}, "run_once": True},
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [f"{sys.prefix}/bin/ansible-playbook", "--inventory", "hosts.json", "play.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=_environment(role),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "found").read_text())


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
