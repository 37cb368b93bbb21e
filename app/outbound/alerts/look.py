"""What was found when somebody looked whether something is well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong, in a sentence, and what to do."""

    sentence: str
    fix: str | None = None


@dataclass(frozen=True, kw_only=True)
class Look:
    """All that is wrong of one kind, by subject. What could not be looked at is no look."""

    kind: str
    problems: Mapping[str, Problem] = field(default_factory=dict)
    #: The subjects that were looked at; None: all there are.
    subjects: frozenset[str] | None = None
    #: Those that are wrong, and not for long enough to be a problem.
    unsettled: frozenset[str] = frozenset()

    def judges(self, subject: str) -> bool:
        """Whether this tells if that subject is well."""
        return subject not in self.unsettled and (self.subjects is None or subject in self.subjects)
