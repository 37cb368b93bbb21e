"""The virtual machine is a host like any other: the same playbook, in all of its groups."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Vagrantfile").read_text()


def test_it_fits_on_a_screen() -> None:
    assert len(TEXT.splitlines()) < 40


def test_it_deploys_with_the_playbook_and_the_configuration_that_operators_use() -> None:
    named = re.findall(r'ansible\.(?:playbook|config_file) = "(\S+)"', TEXT)

    assert named == ["ansible/deploy.yml", "ansible/ansible.cfg"]
    assert all((ROOT / name).is_file() for name in named)


def test_the_one_machine_is_in_every_group_that_the_playbook_deploys_to() -> None:
    plays = yaml.safe_load((ROOT / "ansible" / "deploy.yml").read_text())
    listed = re.search(r"ansible\.groups = %w\[([a-z ]+)\]", TEXT)

    groups = {group.removeprefix("!") for play in plays for group in play.get("hosts", "").split(":")}
    assert listed is not None
    assert set(listed[1].split()) == groups - {""}
