"""The setting that gives single tasks their time limits, such as `models.push_to_ecr=60m/55m`."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from app.settings.kinds import MAX_SECONDS

MAX_TASKS = 100
#: The broker gives a message to another worker after so many of the usual hard limits.
MAX_TIME_LIMITS = 4
_ENTRY = re.compile(r"([A-Za-z0-9_.]{1,200})=([0-9]{1,6})([smh]?)/([0-9]{1,6})([smh]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class TimeLimits(NamedTuple):
    """After how many seconds a task is killed, and after how many it is told to end."""

    hard: int
    soft: int


def parse(text: str) -> dict[str, TimeLimits]:
    """The limits by the names of their tasks. Raises `ValueError` with a sentence."""
    entries = text.replace(",", " ").split()
    if len(entries) > MAX_TASKS:
        raise ValueError(f"{len(entries)} are too many, give at most {MAX_TASKS}")
    found: dict[str, TimeLimits] = {}
    for entry in entries:
        name, limits = _parsed(entry)
        if name in found:
            raise ValueError(f"{name} is there twice; give it its limits once")
        found[name] = limits
    return found


def _parsed(entry: str) -> tuple[str, TimeLimits]:
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise ValueError(
            f'"{entry[:80]}" is not of the form TASK=HARD/SOFT, such as models.push_to_ecr=60m/55m with s, m '
            "or h"
        )
    name, hard, hard_unit, soft, soft_unit = parts.groups()
    limits = TimeLimits(int(hard) * _SECONDS[hard_unit], int(soft) * _SECONDS[soft_unit])
    if not 0 < limits.soft < limits.hard <= MAX_SECONDS:
        raise ValueError(
            f"the soft limit of {name}, behind the slash, has to be above 0 and below its hard one "
            f"({limits.soft} s and {limits.hard} s), and that at most {MAX_SECONDS} s"
        )
    return name, limits


def _checked(text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        # Braces are for values of pydantic's own.
        raise PydanticCustomError("setting", "{sentence}", {"sentence": str(error)}) from None
    return text


TaskTimeLimits = Annotated[str, AfterValidator(_checked)]
