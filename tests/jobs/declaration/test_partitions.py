"""Partitions: one for each value of an argument, and nobody can tell which."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.jobs.declaration import partitions, registry
from tests.sample import tasks


def key_of(tenant: Any) -> str:
    return partitions.key_of(registry.spec_of(tasks.knock.name), (tenant,), {})


@pytest.mark.parametrize(
    "value", [None, True, "", 0, 1.5, "ü" * 10_000, "\0", "\ud800", [1, [2]], {"a": None}, "٣", "😀" * 3]
)
def test_any_argument_makes_a_short_key_that_tells_nothing_of_it(value: Any) -> None:
    key = key_of(value)
    assert key == key_of(value)
    assert key != key_of("another")
    assert len(key) == len(tasks.knock.name) + 65
    assert partitions.limits_of(key) == registry.limits_of(tasks.knock.name)


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (UUID(int=5), str(UUID(int=5)))])
def test_an_id_is_the_same_as_its_text(one: Any, other: Any) -> None:
    assert key_of(one) == key_of(other)
