"""Old rows go in batches, each committed by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db import pruning
from app.db.sessions import reading, transaction
from app.domains.banking.models import Household

if TYPE_CHECKING:
    from sqlalchemy import Engine


@pytest.mark.parametrize(("rows", "left"), [(0, []), (3, [1, 0]), (4, [2, 0, 0])])
def test_all_that_is_selected_goes(
    database: Engine, monkeypatch: pytest.MonkeyPatch, rows: int, left: list[int]
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    with transaction() as session:
        session.add_all(
            Household(name="old", currency="EUR", created_at=datetime.now(UTC)) for _ in range(rows)
        )
        session.add(Household(name="new", currency="EUR", created_at=datetime.now(UTC)))
    seen: list[int] = []
    old = select(Household.id).where(Household.name == "old")
    with transaction() as session:

        def commit(progress: object = None, /) -> None:
            seen.append(session.scalar(select(func.count()).select_from(old.subquery())) or 0)

        assert pruning.prune(session, old, commit=commit) == rows
    assert seen == (left or [0])
    with reading() as session:
        assert session.scalars(select(Household.name)).all() == ["new"]
