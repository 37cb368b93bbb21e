"""What a task declares about how many of its jobs may begin and run, and by what these are told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from inspect import Parameter
from typing import TYPE_CHECKING

from app.jobs.errors import UnusableLimit, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
MAX_RATE = 10_000
_RATE = re.compile(r"([1-9][0-9]{0,4})/([smh])")
MAX_CONCURRENCY = 10_000
_WITHOUT_NAME = frozenset({Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD})


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many jobs in each `per`."""

    count: int
    per: timedelta

    @property
    def most(self) -> int:
        """How many may begin within any `window`: no more at once than in a second, or one."""
        return max(int(self.count / self.per.total_seconds()), 1)

    @property
    def window(self) -> timedelta:
        """The part of `per` in which `most` may begin."""
        return self.per * self.most / self.count

    def __str__(self) -> str:
        unit = next(unit for unit, per in _UNITS.items() if per == self.per)
        return f"{self.count}/{unit}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What holds for the jobs of a task that are in one partition, over all workers."""

    rate: Rate | None = None
    concurrency: int | None = None
    #: The argument that tells the partitions apart; None for a task whose jobs are all in one.
    partition_by: str | None = None

    def __str__(self) -> str:
        limits = [
            f"{self.rate} begin" if self.rate else "",
            f"{self.concurrency} run at once" if self.concurrency else "",
        ]
        of = f", by {self.partition_by}" if self.partition_by else ""
        return (" and ".join(filter(None, limits)) or "the partitions take turns") + of


def read_rate(written: object) -> Rate | None:
    """The rate that is written as "10/s", "600/m" or "36000/h"; None for what is none."""
    found = _RATE.fullmatch(written) if isinstance(written, str) else None
    if found is None or int(found[1]) > MAX_RATE:
        return None
    return Rate(count=int(found[1]), per=_UNITS[found[2]])


def declared(
    *,
    task: str,
    parameters: Sequence[Parameter],
    durable: bool,
    rate_limit: object = None,
    concurrency: object = None,
    partition_by: object = None,
) -> Limits | None:
    """What the options of a task ask for. Raises `UnusableLimit` at import."""
    if rate_limit is None and concurrency is None and partition_by is None:
        return None
    if not durable:
        raise UnusableLimit(task=task, problem="is not durable, and only the ledger can hold its jobs back")
    return Limits(
        rate=None if rate_limit is None else _rate(rate_limit, task=task),
        concurrency=None if concurrency is None else _concurrency(concurrency, task=task),
        partition_by=None if partition_by is None else _argument(partition_by, parameters, task=task),
    )


def _rate(written: object, *, task: str) -> Rate:
    rate = read_rate(written)
    if rate is None:
        wanted = f'a text such as "10/s", "600/m" or "36000/h", with a whole number from 1 to {MAX_RATE:,}'
        problem = f"declares rate_limit={shown(written)}, which is no rate: write {wanted}"
        raise UnusableLimit(task=task, problem=problem)
    return rate


def _concurrency(number: object, *, task: str) -> int:
    if type(number) is not int or not 1 <= number <= MAX_CONCURRENCY:
        problem = f"declares concurrency={shown(number)}: give a whole number from 1 to {MAX_CONCURRENCY:,}"
        raise UnusableLimit(task=task, problem=problem)
    return number


def _argument(name: object, parameters: Sequence[Parameter], *, task: str) -> str:
    known = [each.name for each in parameters if each.kind not in _WITHOUT_NAME]
    if not isinstance(name, str) or name not in known:
        takes = ", ".join(known) or "none"
        problem = f"declares partition_by={shown(name)}: name one of the arguments that it takes ({takes})"
        raise UnusableLimit(task=task, problem=problem)
    return name
