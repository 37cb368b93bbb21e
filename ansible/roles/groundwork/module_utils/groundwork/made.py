"""What deploys have made on a host, noted before they make it: nothing else is ever changed or removed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.paths import MADE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Made:
    """The names that were free when a deploy took them, and the packages that came with one."""

    names: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    #: Whether the user of the services came with one.
    account: bool = False


def read(path: Path = MADE) -> Made:
    """What was made so far; nothing on a host that no deploy has been to."""
    return Made(**json.loads(path.read_text())) if path.is_file() else Made()


def note(
    *, names: Iterable[str] = (), packages: Iterable[str] = (), account: bool = False, path: Path = MADE
) -> bool:
    """Add to what was made; whether that is new."""
    before = read(path)
    after = Made(
        names=sorted({*before.names, *names}),
        packages=sorted({*before.packages, *packages}),
        account=before.account or account,
    )
    if after != before:
        write(after, path=path)
    return after != before


def write(made: Made, *, path: Path = MADE) -> None:
    """Replace the note at once."""
    folder(path.parent)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(asdict(made), indent=1) + "\n")
    beside.rename(path)
