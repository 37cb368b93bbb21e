"""app.jobs.declaration.limits: the soft limit that goes with a hard one."""

from __future__ import annotations

import pytest

from app.jobs.declaration.limits import soft_limit


@pytest.mark.parametrize("soft", [None, 0, 10, 11, 1500])
def test_a_hard_limit_is_always_preceded_by_a_soft_one(soft: float | None) -> None:
    assert soft_limit(hard=10, soft=soft) == 9


@pytest.mark.parametrize(("hard", "soft"), [(None, None), (None, 5), (0, 5), (10, 5), (10, 9.9)])
def test_a_soft_limit_below_the_hard_one_is_kept(hard: float | None, soft: float | None) -> None:
    assert soft_limit(hard=hard, soft=soft) == soft
