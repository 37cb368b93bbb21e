"""What a task declares about its limits: read once, or refused at import in one sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.jobs.celery.task import task
from app.jobs.declaration.admission import Limits, read_rate
from app.jobs.errors import UnusableLimit


@pytest.mark.parametrize(
    "rate",
    ["", "10", "0/s", "-1/s", "1/0s", "10/d", "nan/s", "1e9/s", "99999/s", "1.5/s", " 1/s", "1/s\n",
     "\u0661/s", "1/s/s",     "\0", "\ud800", "1" * 9999 + "/s", b"1/s", 10, 10.0,
     True, ["1/s"], float("nan"), timedelta(1)],
)  # fmt: skip
def test_a_rate_that_cannot_be_read_is_refused_at_import(rate: Any) -> None:
    with pytest.raises(UnusableLimit, match=r"which is no rate: write a text such as \"10/s\"") as refused:
        task(rate_limit=rate)(lambda: None)
    assert len(str(refused.value)) < 300
    str(refused.value).encode()


@pytest.mark.parametrize("number", [0, -1, 1.0, "2", True, 10_001, 10**400, float("nan"), [2]])
def test_a_concurrency_that_is_no_number_of_places_is_refused_at_import(number: Any) -> None:
    with pytest.raises(UnusableLimit, match="give a whole number from 1 to 10,000"):
        task(concurrency=number)(lambda: None)


@pytest.mark.parametrize(
    "name", ["", "tenant", "self", "args", "options", "\ud800", 5, ["account"], "x" * 9999]
)
def test_a_partition_by_an_argument_that_there_is_not_is_refused_at_import(name: Any) -> None:
    def body(self: Any, account: str, *args: Any, **options: Any) -> None: ...

    with pytest.raises(UnusableLimit, match=r"name one of the arguments that it takes \(account\)"):
        task(partition_by=name, bind=True)(body)


@pytest.mark.parametrize("declared", [{"rate_limit": "1/s"}, {"concurrency": 1}, {"partition_by": "x"}])
def test_a_task_without_rows_cannot_be_limited(declared: dict[str, Any]) -> None:
    with pytest.raises(UnusableLimit, match="is not durable, and only the ledger can hold its jobs back"):
        task(durable=False, **declared)(lambda x: None)


@pytest.mark.parametrize(
    ("written", "most", "seconds"),
    [("10/s", 10, 1), ("840/m", 14, 1), ("90/m", 1, 60 / 90), ("100/h", 1, 36), ("10000/s", 10_000, 1)],
)
def test_a_rate_is_kept_evenly_over_its_minute_or_hour(written: str, most: int, seconds: float) -> None:
    rate = read_rate(written)
    assert rate is not None
    assert rate.most == most
    assert rate.window.total_seconds() == pytest.approx(seconds, abs=1e-5)
    assert str(rate) == written


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(rate=read_rate("10/s"), partition_by="tenant"), "10/s begin, by tenant"),
        (Limits(rate=read_rate("5/m"), concurrency=2), "5/m begin and 2 run at once"),
        (Limits(partition_by="tenant"), "the partitions take turns, by tenant"),
    ],
)
def test_limits_are_told_in_words(limits: Limits, sentence: str) -> None:
    assert str(limits) == sentence
