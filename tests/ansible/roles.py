"""Reads the roles as Ansible does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

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
    )
    assert done.returncode == 0, done.stdout + done.stderr
