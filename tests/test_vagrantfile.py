"""The virtual machine is a host like any other: the same playbook, in all of its groups, large enough."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Vagrantfile").read_text()


def default_of(role: str, name: str) -> int:
    return int(yaml.safe_load((ROOT / "ansible/roles" / role / "defaults/main.yml").read_text())[name])


def test_it_deploys_with_the_playbook_and_the_configuration_that_operators_use() -> None:
    named = re.findall(r'ansible\.(?:playbook|config_file) = "(\S+)"', TEXT)

    assert named == ["ansible/deploy.yml", "ansible/ansible.cfg"]
    assert all((ROOT / name).is_file() for name in named)


#: In the place of a group that the machine is in.
INSTEAD = {"rabbitmq"}


def test_the_one_machine_is_in_every_group_that_the_playbook_deploys_to() -> None:
    plays = yaml.safe_load((ROOT / "ansible" / "deploy.yml").read_text())
    listed = re.search(r"ansible\.groups = %w\[([a-z ]+)\]", TEXT)

    groups = {group.removeprefix("!") for play in plays for group in play.get("hosts", "").split(":")}
    assert listed is not None
    assert set(listed[1].split()) == groups - INSTEAD - {""}


def test_every_driver_gives_it_what_preflight_asks_for() -> None:
    sizes = re.findall(r"machine\.cpus, machine\.memory = (\d+), (\d+)", TEXT)

    assert len(sizes) == len(re.findall(r"vm\.provider\b", TEXT))
    # A virtual machine sees less memory than it is given: the kernel's own is not counted.
    assert {int(memory) * 9 // 10 >= default_of("host", "host_least_memory_mb") for _, memory in sizes} == {
        True
    }


def test_its_https_is_forwarded_to_where_people_are_told_to_look() -> None:
    forwarded = re.search(r'guest: (\d+), host: ENV\.fetch\("GROUNDWORK_VM_PORT", (\d+)\)', TEXT)

    assert forwarded is not None
    assert int(forwarded[1]) == default_of("proxy", "proxy_https_port")
    pages = [ROOT / "Vagrantfile", *ROOT.glob("*.md"), *ROOT.glob("ansible/*.md")]
    told = [port for page in pages for port in re.findall(r"https://127\.0\.0\.1:(\d+)", page.read_text())]
    assert set(told) == {forwarded[2]}


def test_the_rehearsal_says_all_that_it_can_be_told() -> None:
    taken = set(re.findall(r"GROUNDWORK_(?:VM|OPERATOR)_\w+", TEXT))
    script = (ROOT / "scripts/vagrant_machine.py").read_text()
    told = set(re.findall(r'"(GROUNDWORK_(?:VM|OPERATOR)_\w+)"', script))

    # A name that nobody reads would leave the rehearsal with the machine or the inventory of somebody.
    assert taken == told
