"""Says in sentences what is wrong with the values of a host's variables, alone and with each other."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Wanted = dict[str, Any]

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


def _choices(wanted: Wanted) -> Iterator[str]:
    for item in wanted["choices"]:
        for name in item["given"]:
            if name not in item["known"]:
                near = difflib.get_close_matches(str(name).lower(), item["known"], n=1)
                known = f"there are {', '.join(item['known'])}." if item["known"] else "correct that."
                hint = f"is it {near[0]}?" if near else known
                yield f"{item['name']} names {name}, which is no {item['kind']}; {hint}"


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


CHECKS: tuple[Callable[[Wanted], Iterator[str]], ...] = (
    _names,
    _texts,
    _agreements,
    _choices,
    _secrets,
    _numbers,
    _ports,
    _listeners,
)


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"wish_mistakes": mistakes}
