"""No secret is printed, logged or left where others can read it, whatever the playbook is asked to tell."""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.host.rehearsals.faults import FAULTS
from tests.host.rehearsals.inventory import read_secrets, write_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.host.rehearsals.host import Host

#: Where a secret may lie; who may read it there is looked at.
HOMES = (
    r"^/(etc/groundwork/credentials|etc/redis|etc/postgresql"
    r"|var/lib/(groundwork-deploy|redis-groundwork|postgresql))/"
)
AS_TALKATIVE_AS_CAN_BE = ("-vvv", "--diff")


@pytest.fixture
def canaries(host: Host) -> Iterator[list[str]]:
    """New secrets in the inventory, not deployed yet; the old ones are put back."""
    old = read_secrets(host.inventory)
    new = {name: f"canary{secrets.token_hex(20)}" for name in old}
    write_secrets(host.inventory, new)
    yield list(new.values())
    write_secrets(host.inventory, old)
    host.deploy(host.base).succeed()


def test_new_secrets_work_and_are_not_to_be_seen(host: Host, canaries: list[str]) -> None:
    printed = host.deploy(host.base, *AS_TALKATIVE_AS_CAN_BE).succeed().output
    bad = host.checkout.release(FAULTS[1].changes(host.checkout))
    failing = host.deploy(bad, *AS_TALKATIVE_AS_CAN_BE)
    assert failing.wait() != 0
    printed += failing.output
    for playbook in ("status.yml", "stop.yml", "start.yml"):
        printed += host.play(playbook, *AS_TALKATIVE_AS_CAN_BE).succeed().output
    assert host.service.finish(host.service.submit("rehearsal.nap", name="canary", seconds=0))
    forms = [form for canary in canaries for form in _forms(canary)]
    assert [form for form in forms if form in printed] == []
    assert _on_the_host(host, forms) == []


def _forms(secret: str) -> Iterable[str]:
    """As it is, in a URL, and in base64 at each of its three offsets."""
    yield secret
    yield quote(secret, safe="")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        yield encoded[4 if offset else 0 : -4]


def _on_the_host(host: Host, forms: list[str]) -> list[str]:
    """Where a secret is to be seen and should not be."""
    patterns = "\n".join(sorted(set(forms)))
    host.container.run("tee", "/root/patterns", given=patterns)
    found = host.container.shell(
        "journalctl --no-pager --all --output=export | grep -aqFf /root/patterns && echo journal || true\n"
        "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -aqFf /root/patterns "
        "&& echo 'command lines' || true\n"
        "grep -rlaFf /root/patterns --exclude-dir=proc --exclude-dir=sys --exclude=patterns / "
        "-D skip 2>/dev/null | xargs -r stat -c '%a %n' || true\n"
    )
    host.container.run("rm", "/root/patterns")
    return [line for line in found.splitlines() if not _may_be(line)]


def _may_be(line: str) -> bool:
    mode, _, path = line.partition(" ")
    return bool(re.search(HOMES, path)) and mode.endswith("0")
