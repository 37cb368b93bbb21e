"""A template and data become a PDF by Typst, which gets all it reads as files in memory.

A template reaches neither folders, but its own, nor the network: it imports nothing.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from app.typesetting.errors import CannotTypeset, ForkedAfterTypesetting
from app.typesetting.fonts import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from typst import Fonts

#: ISO 19005-3, which permits files inside.
ARCHIVE: Final = "a-3b"


def pdf_of(
    template: Path,
    data: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] | None = None,
    standard: Literal["a-3b"] | None = None,
    tagged: bool,
    timestamp: datetime | None = None,
) -> bytes:
    """The PDF that `template` makes of `data`, which it reads by their names as JSON, and of `files`.

    `tagged` is structure for screen readers. Raises `CannotTypeset` or `ForkedAfterTypesetting`.
    """
    import typst  # not above: workers and beat would start later for it

    if _pid() != os.getpid():
        raise ForkedAfterTypesetting(pid=_pid())
    # The stubs of Typst know of one file alone.
    given: Any = {"main.typ": _text(template), **(files or {})}
    given |= {name: json.dumps(value).encode() for name, value in data.items()}
    try:
        return typst.compile(
            given,
            # What is not among the files would be looked for in the current folder.
            root=str(template.parent),
            format="pdf",
            font_paths=_fonts(),
            pdf_standards=standard,
            pdf_tags=tagged,
            timestamp=timestamp,
        )
    except typst.TypstError as error:
        raise CannotTypeset(template=template.name, problem=str(error)) from error


@cache
def _pid() -> int:
    """The process that Typst's threads are in."""
    return os.getpid()


@cache
def _text(template: Path) -> bytes:
    return template.read_bytes()


@cache
def _fonts() -> Fonts:
    """The fonts of the package and of Typst, found once; those of the machine would change the result."""
    import typst  # as above

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(FOLDER)])
