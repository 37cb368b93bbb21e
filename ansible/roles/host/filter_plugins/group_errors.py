"""Says in sentences what is wrong with the groups of an inventory."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

GROUPS = ("api", "workers", "beat", "redis", "rabbitmq", "database")
#: Whose host, one of those above, asks all others how they are.
MONITORING = "monitoring"
#: What every inventory has.
EVERYBODY = frozenset({"all", "ungrouped"})


def group_errors(
    groups: Mapping[str, Sequence[str]], *, external: Collection[str], sqlite: bool
) -> list[str]:
    """Every error, a sentence each; `external` is what runs elsewhere, and `sqlite` what the ledger is."""
    used = {name: list(hosts) for name, hosts in groups.items() if hosts}
    return [*_misspelt(used), *_roles(used, external=external, sqlite=sqlite), *_monitoring(used)]


def no_hosts_errors(groups: Mapping[str, Sequence[str]], *, hosts: Collection[str]) -> list[str]:
    """The error of a run none of whose `hosts` is in a group of ours."""
    if any(set(groups.get(name, ())) & set(hosts) for name in GROUPS):
        return []
    said = f"No host of this run is in one of the groups {', '.join(GROUPS)}: nothing would be done."
    hints = [_hint(name) for name, members in sorted(groups.items()) if members and name not in EVERYBODY]
    there = f"The inventory has the groups {', '.join(hints)}." if hints else "Put hosts into them."
    return [f"{said} {there}"]


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), GROUPS, n=1)
    return f"{name} (did you mean {near[0]}?)" if near and name not in GROUPS else name


def _roles(groups: Mapping[str, Sequence[str]], *, external: Collection[str], sqlite: bool) -> Iterator[str]:
    if not {"api", "workers", "beat"} & set(groups):
        return
    if not {"redis", "rabbitmq"} & set(groups) and "redis" not in external:
        yield (
            "No host is in the group redis or rabbitmq and no broker elsewhere is named; api, workers and "
            "beat need one."
        )
    for name in ("redis", "rabbitmq", "database"):
        if len(groups.get(name, ())) > 1:
            yield f"The group {name} has {len(groups[name])} hosts; it takes one. Leave one in it."
    if "workers" not in groups:
        yield "No host is in the group workers: jobs would be accepted and never run."
    if "beat" not in groups:
        yield "No host is in the group beat: schedules would not fire, and lost jobs would not be recovered."
    hosts = {host for name in ("api", "workers", "beat") for host in groups.get(name, ())}
    if sqlite and len(hosts) > 1:
        yield (
            f"The ledger is a SQLite file, and {len(hosts)} hosts would need it: a file is on one host. Put "
            "a host into the group database, or name a PostgreSQL elsewhere."
        )


def _monitoring(groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    hosts = groups.get(MONITORING, [])
    if len(hosts) > 1:
        yield f"The group {MONITORING} has {len(hosts)} hosts; it takes one. Leave one in it."
    of_service = {host for name in GROUPS for host in groups.get(name, ())}
    for host in sorted(set(hosts) - of_service):
        yield (
            f"{host} is in the group {MONITORING} and in none of the service. Put a host of the service into "
            "it; a Prometheus elsewhere takes what ansible/monitoring/ has."
        )


def _misspelt(groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    known = (*GROUPS, MONITORING)
    for name in sorted(set(groups) - set(known) - EVERYBODY):
        near = difflib.get_close_matches(name.lower(), known, n=1)
        if near and not groups.get(near[0]):
            yield f"The group {name} is not one of the service; did you mean {near[0]}?"


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"group_errors": group_errors, "no_hosts_errors": no_hosts_errors}
