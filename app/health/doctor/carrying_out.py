"""Carries a check out: one that fails has found something, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.health.doctor.finding import Finding
from app.logs.failures import ExitCode, Failure, explain, first_line

if TYPE_CHECKING:
    from collections.abc import Callable

REMEDIES = {
    ExitCode.UNREACHABLE: "Start it, or correct its URL in the settings.",
    ExitCode.BAD_CONFIGURATION: "Correct it where it is set: in the env file or the environment.",
}
REMEDY = "Fix what this names, then run again: groundwork doctor"


def carry_out(check: Callable[[], Finding]) -> Finding:
    """What `check` finds."""
    try:
        return check()
    except Exception as error:
        return failed(error, about=check.__module__.rpartition(".")[2])


def failed(error: Exception, *, about: str) -> Finding:
    """What is found by a check that `error` ended."""
    failure = explain(error) or Failure(
        sentence=f"{type(error).__name__}: {first_line(error)}.", code=ExitCode.FAILED
    )
    return Finding.problem(about, failure.sentence, fix=REMEDIES.get(failure.code, REMEDY))
