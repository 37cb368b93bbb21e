"""Says in sentences what is wrong with the variables of a host, alone and with each other."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Wanted = dict[str, Any]

GROUPS = ("api", "workers", "beat", "redis", "database")
LEAST_SECRET_LENGTH = 32
#: As app/secret.py has them, a test sees to it; with those that manuals of Redis and PostgreSQL use.
DEFAULT_SECRETS = frozenset(
    {"change-me", "changeme", "secret", "password", "admin", "groundwork", "foobared", "postgres", "redis"}
)
NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
WILDCARDS = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 (they are looked for)
TRUE_AND_FALSE = frozenset({"true", "false", "yes", "no", "on", "off"})


def mistakes(wanted: Wanted, *, look: Wanted) -> list[str]:
    """Every mistake, one sentence each; empty when all agree.

    `wanted` holds the role's variables without their prefix, `look` comes from the module host_look.
    """
    return [*(sentence for check in CHECKS for sentence in check(wanted)), *_taken(wanted, look=look)]


def _secrets(wanted: Wanted) -> Iterator[str]:
    """Never the value of one, nor a part of it."""
    secrets: Mapping[str, Any] = wanted["secrets"]
    for name, value in secrets.items():
        problem = _weakness(value)
        if problem:
            yield f"{name} {problem}. Give it a random value: scripts/secrets makes one for each."
    usable = {name: value for name, value in secrets.items() if _weakness(value) is None}
    for value, times in Counter(usable.values()).items():
        if times > 1:
            alike = " and ".join(sorted(name for name in usable if usable[name] == value))
            yield f"{alike} are the same; give each a value of its own: scripts/secrets makes them."


def _weakness(value: object) -> str | None:
    if value is None or value == "":
        return "is not set"
    if not isinstance(value, str):
        return "is no text; put it into quotes"
    if value != value.strip() or any(ord(letter) < ord(" ") for letter in value):
        return "begins or ends with a blank, or holds a line break"
    if value.lower() in DEFAULT_SECRETS:
        return "is a well-known default"
    if len(value) < LEAST_SECRET_LENGTH:
        return f"has {len(value)} characters, fewer than {LEAST_SECRET_LENGTH}"
    return None


def _ports(wanted: Wanted) -> Iterator[str]:
    users: dict[int, str] = {}
    for item in wanted["ports"]:
        name, port = item["name"], _number(item["port"])
        if port is None or not 1 <= port <= 65535 or port != int(port):
            yield f"{name} is {item['port']!r}; a port is a whole number from 1 to 65535."
            continue
        if port in users:
            yield f"{name} and {users[int(port)]} are both {item['port']}; give one of them another port."
        users.setdefault(int(port), name)


def _taken(wanted: Wanted, *, look: Wanted) -> Iterator[str]:
    for item in wanted["ports"]:
        for holder in look["ports"]:
            if holder["port"] == _number(item["port"]) and not _is_ours(holder, ours=item.get("ours", ())):
                yield (
                    f"Port {item['port']} ({item['name']}) is taken by {_described(holder)}; stop that, "
                    f"or set {item['name']} to a free port."
                )


def _is_ours(holder: Mapping[str, Any], *, ours: Sequence[str]) -> bool:
    """By what runs it: any program may bear the name of ours."""
    return any(fnmatchcase(runner, pattern) for runner in holder["run_by"] for pattern in ours)


def _described(holder: Mapping[str, Any]) -> str:
    if not holder["process"]:
        return "another program"
    of = f", {holder['run_by'][0]}" if holder["run_by"] else ""
    return f"{holder['process']} (process {holder['pid']}{of})"


def _numbers(wanted: Wanted) -> Iterator[str]:
    for item in wanted["numbers"]:
        value, limit = _number(item["value"]), _number(item["limit"])
        if value is None:
            yield f"{item['name']} is {item['value']!r}, which is no number."
        if limit is None:
            yield f"{item['below']} is {item['limit']!r}, which is no number."
        if value is not None and limit is not None and value >= limit:
            fix = item.get("fix") or "lower the first or raise the second."
            yield f"{item['name']} ({value:g}) must be below {item['below']} ({limit:g}): {fix}"


def _number(value: object) -> float | None:
    """A number, also one that came as text from the command line; never a truth value."""
    if isinstance(value, bool):
        return None
    try:
        return float(str(value))
    except ValueError:
        return None


def _names(wanted: Wanted) -> Iterator[str]:
    for name, value in wanted["names"].items():
        if not NAME.fullmatch(str(value)) or str(value) in TRUE_AND_FALSE:
            yield (
                f"{name} is {str(value)!r}; a name is 1 to 31 small letters, digits, _ and -, beginning with "
                "a letter, and none that YAML takes for a truth value."
            )


def _texts(wanted: Wanted) -> Iterator[str]:
    for item in wanted["texts"]:
        if not re.fullmatch(item["pattern"], str(item["value"])):
            yield f"{item['name']} is {str(item['value'])!r}; it takes {item['takes']}."


def _agreements(wanted: Wanted) -> Iterator[str]:
    for item in wanted["agreements"]:
        if item["value"] != item["other_value"]:
            yield (
                f"{item['name']} is {item['value']!r}, and {item['other']} is {item['other_value']!r}; leave "
                "out one of them, and it follows the other."
            )


def _listeners(wanted: Wanted) -> Iterator[str]:
    for item in wanted["listeners"]:
        open_to_all = WILDCARDS.intersection(item["addresses"])
        if open_to_all and not item["encrypted"]:
            yield (
                f"{item['name']} is {', '.join(sorted(open_to_all))}: passwords would pass unencrypted on "
                "every network of the host. Name the addresses of a private one, or turn TLS on."
            )


def _groups(wanted: Wanted) -> Iterator[str]:
    groups = {name: list(hosts) for name, hosts in wanted["groups"].items() if hosts}
    yield from _misspelt(groups)
    used = {name for name in GROUPS if name in groups}
    if not used & {"api", "workers", "beat"}:
        return
    if "redis" not in used and "redis" not in wanted["external"]:
        yield "No host is in the group redis and no Redis elsewhere is named; api, workers and beat need one."
    for name in ("redis", "database"):
        if len(groups.get(name, ())) > 1:
            yield f"The group {name} has {len(groups[name])} hosts; it takes one. Leave one in it."
    if "workers" not in used:
        yield "No host is in the group workers: jobs would be accepted and never run."
    if "beat" not in used:
        yield "No host is in the group beat: schedules would not fire, and lost jobs would not be recovered."
    yield from _sqlite(groups, wanted=wanted)


def _sqlite(groups: Mapping[str, Sequence[str]], *, wanted: Wanted) -> Iterator[str]:
    hosts = {host for name in ("api", "workers", "beat") for host in groups.get(name, ())}
    if wanted["sqlite"] and len(hosts) > 1:
        yield (
            f"The ledger is a SQLite file, and {len(hosts)} hosts would need it: a file is on one host. Put "
            "a host into the group database, or name a PostgreSQL elsewhere."
        )


def _misspelt(groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in sorted(set(groups) - set(GROUPS) - {"all", "ungrouped"}):
        near = difflib.get_close_matches(name, GROUPS, n=1, cutoff=0.8)
        if near and not groups.get(near[0]):
            yield f"The group {name} means nothing here; is it {near[0]}?"


CHECKS: tuple[Callable[[Wanted], Iterator[str]], ...] = (
    _names,
    _texts,
    _agreements,
    _secrets,
    _numbers,
    _ports,
    _listeners,
    _groups,
)


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"wish_mistakes": mistakes}
