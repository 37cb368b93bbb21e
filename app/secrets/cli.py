"""Secrets: encrypt what is stored under another key.

Example: groundwork secrets rotate
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from app.terminal import AsJson, print_rows, say_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.secrets.rotation import Part

app = typer.Typer(help=__doc__)


@app.callback()
def _group() -> None:
    """Keep `rotate` a command of its own, also as the only one."""


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Encrypt under GROUNDWORK_SECRET_KEY what is still under one of GROUNDWORK_OTHER_SECRET_KEYS.

    It can be stopped and run again, and fails as long as something is left.

    Example: groundwork secrets rotate
    """
    from app.secrets.messages import waiting_under_another_key
    from app.secrets.rotation import rotate as rotated

    parts = _by_place(rotated())
    print_rows(
        [asdict(part) for part in parts],
        columns=("what", "found", "renewed", "unreadable", "examples"),
        as_json=as_json,
        empty="Nothing is encrypted.",
    )
    unreadable, waiting = sum(part.unreadable for part in parts), waiting_under_another_key()
    if unreadable:
        say_error(
            f"{unreadable} of these can be decrypted with no key of the settings. Add the key they were "
            "encrypted with to GROUNDWORK_OTHER_SECRET_KEYS, and run this again."
        )
    if waiting:
        say_error(
            f"{waiting} messages on the broker are encrypted with another key, or may be. Run this again "
            "when their jobs have ended, and leave GROUNDWORK_OTHER_SECRET_KEYS as it is until then."
        )
    if unreadable or waiting:
        raise typer.Exit(1)


def _by_place(parts: Iterable[Part]) -> list[Part]:
    totals: dict[str, Part] = {}
    for part in parts:
        totals[part.what] = totals[part.what] + part if part.what in totals else part
    return list(totals.values())
