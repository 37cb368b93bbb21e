"""What can go wrong, in sentences."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class BackupError(Exception):
    """Raised with what is wrong and what to do about it."""


class CommandFailed(BackupError):
    """Raised when another program fails; repeats what it said, which never holds the password."""

    def __init__(self, *, command: Sequence[str], code: int, said: str) -> None:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(f"{command[0]} ended with code {code}: {last[0]}")


def run(command: Sequence[str], **options: Any) -> None:
    """Run `command`; raise `CommandFailed` with its last line when it fails."""
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)  # noqa: S603 (our own)
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is not installed. Install the package that has it.") from None
    if done.returncode != 0:
        raise CommandFailed(command=command, code=done.returncode, said=done.stderr.decode(errors="replace"))
