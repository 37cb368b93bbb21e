"""What of a host is ours, recorded before it is made: nothing else is ever changed or removed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.paths import OWNED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Owned:
    """The names that were free when a deploy took them, and the packages that came with one."""

    names: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    #: Whether the user of the services came with one.
    account: bool = False


def read(path: Path = OWNED) -> Owned:
    """What is ours so far; nothing on a host that no deploy has been to."""
    return Owned(**json.loads(path.read_text())) if path.is_file() else Owned()


def add(
    *, names: Iterable[str] = (), packages: Iterable[str] = (), account: bool = False, path: Path = OWNED
) -> bool:
    """Add to what is ours; whether that is new."""
    before = read(path)
    after = Owned(
        names=sorted({*before.names, *names}),
        packages=sorted({*before.packages, *packages}),
        account=before.account or account,
    )
    if after != before:
        write(after, path=path)
    return after != before


def write(owned: Owned, *, path: Path = OWNED) -> None:
    """Replace the record at once."""
    folder(path.parent)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(asdict(owned), indent=1) + "\n")
    beside.rename(path)
