"""What one check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence about one thing, and what to do about it."""

    level: Level
    about: str
    sentence: str
    fix: str | None = None

    @classmethod
    def ok(cls, about: str, sentence: str) -> Self:
        """All is well."""
        return cls(level=Level.OK, about=about, sentence=sentence)

    @classmethod
    def warning(cls, about: str, sentence: str, *, fix: str) -> Self:
        """It works, and may stop to."""
        return cls(level=Level.WARNING, about=about, sentence=sentence, fix=fix)

    @classmethod
    def problem(cls, about: str, sentence: str, *, fix: str) -> Self:
        """It does not work, or loses something."""
        return cls(level=Level.PROBLEM, about=about, sentence=sentence, fix=fix)
