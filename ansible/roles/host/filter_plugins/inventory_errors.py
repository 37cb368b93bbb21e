"""Says in sentences what is wrong with the secrets, ports and names of an inventory."""

from __future__ import annotations

import difflib
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MIN_SECRET_LENGTH = 32
#: As app/settings/secret.py has them, a test sees to it; with those that manuals of Redis and PostgreSQL use.
DEFAULT_SECRETS = frozenset(
    {"change-me", "changeme", "secret", "password", "admin", "groundwork", "foobared", "postgres", "redis"}
)
MAX_PORT = 65535


def secret_errors(secrets: Mapping[str, Any]) -> list[str]:
    """A sentence for each secret that is weak, and for those that are the same; never a value."""
    weaknesses = {name: _weakness(value) for name, value in secrets.items()}
    found = [
        f"{name} {weakness}. Give it a random value: scripts/secrets makes one for each."
        for name, weakness in weaknesses.items()
        if weakness
    ]
    usable = {name: value for name, value in secrets.items() if not weaknesses[name]}
    for value, times in Counter(usable.values()).items():
        if times > 1:
            same = " and ".join(sorted(name for name in usable if usable[name] == value))
            found.append(f"{same} are the same; give each a value of its own: scripts/secrets makes them.")
    return found


def port_errors(ports: Iterable[Mapping[str, Any]], *, listeners: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each port that is not one, is given twice, or is taken by one of `listeners`."""
    found: list[str] = []
    users: dict[int, str] = {}
    for item in ports:
        name, port = item["name"], _port(item["port"])
        if port is None:
            found.append(f"{name} is {item['port']!r}; a port is a whole number from 1 to {MAX_PORT}.")
            continue
        if port in users:
            found.append(f"{name} and {users[port]} are both {port}; give one of them another port.")
        users.setdefault(port, name)
        found += _taken(name, port, ours=item.get("ours", ()), listeners=listeners)
    return found


def choice_errors(choices: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each name that is not one of those that exist."""
    return [
        f"{item['name']} names {name}, which is not a {item['kind']}; {_suggestion(name, item['known'])}"
        for item in choices
        for name in item["given"]
        if name not in item["known"]
    ]


def _weakness(value: object) -> str | None:
    if value is None or value == "":
        return "is not set"
    if not isinstance(value, str):
        return "is not text; put it into quotes"
    if value != value.strip() or any(ord(letter) < ord(" ") for letter in value):
        return "begins or ends with a blank, or holds a line break"
    if value.lower() in DEFAULT_SECRETS:
        return "is a well-known default"
    if len(value) < MIN_SECRET_LENGTH:
        return f"has {len(value)} characters, fewer than {MIN_SECRET_LENGTH}"
    return None


def _port(value: object) -> int | None:
    """A number of a port, also one that came as text from the command line."""
    text = str(value)
    return int(text) if text.isdecimal() and 1 <= int(text) <= MAX_PORT else None


def _taken(
    name: str, port: int, *, ours: Sequence[str], listeners: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    for holder in listeners:
        if holder["port"] == port and not _is_ours(holder, ours=ours):
            yield (
                f"Port {port} ({name}) is taken by {_described(holder)}; stop that, or set {name} to a "
                "free port."
            )


def _is_ours(holder: Mapping[str, Any], *, ours: Sequence[str]) -> bool:
    """By what runs it: any program may bear the name of ours."""
    return any(fnmatchcase(runner, pattern) for runner in holder["run_by"] for pattern in ours)


def _described(holder: Mapping[str, Any]) -> str:
    if not holder["process"]:
        return "another program"
    of = f", {holder['run_by'][0]}" if holder["run_by"] else ""
    return f"{holder['process']} (process {holder['pid']}{of})"


def _suggestion(name: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(name).lower(), known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(known)}." if known else "correct that."


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"secret_errors": secret_errors, "port_errors": port_errors, "choice_errors": choice_errors}
