"""Packages of the distribution that came with deploys: which they are, and taking them off again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run, run_checked

if TYPE_CHECKING:
    from collections.abc import Iterable

APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--assume-yes", "--no-install-recommends")
#: One that is upgraded has the version it has now behind its name, in brackets.
NEW = re.compile(r"^Inst (\S+) \(", re.MULTILINE)
GONE = re.compile(r"^(?:Purg|Remv) (\S+) ", re.MULTILINE)
SECONDS = 600.0


def to_install(wanted: Iterable[str]) -> list[str]:
    """What an installation would bring that is not there, with all that it needs."""
    said = run_checked(
        [*APT, "--simulate", "install", *wanted], message="apt cannot say what would be installed."
    )
    return NEW.findall(said)


def removable(ours: Iterable[str]) -> list[str]:
    """Those that are there and that nothing else needs."""
    return sorted(_unneeded(set(ours) & installed()))


def purge(packages: Iterable[str]) -> None:
    """Take these off."""
    run_checked([*APT, "purge", *packages], message="The packages could not be removed.", seconds=SECONDS)


def _unneeded(asked: set[str]) -> set[str]:
    """Without those that another package needs, nor what they need themselves."""
    while asked and (others := _gone_with(asked) - asked):
        needed = {package for package in asked if _gone_with({package}) & others}
        # What one of them alone does not take along, together they do.
        asked = asked - (needed or asked)
    return asked


def _gone_with(packages: set[str]) -> set[str]:
    said = run_checked(
        [*APT, "--simulate", "purge", *sorted(packages)], message="apt cannot say what would go."
    )
    return set(GONE.findall(said))


def installed() -> set[str]:
    """All that is."""
    said = run(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Package}\n"]).stdout
    return {line[3:] for line in said.splitlines() if line[1:2] == "i"}
