"""Keeps the rows of Plaid that could not be kept as what they are, until Plaid corrects or removes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from app.db.upsert import insert_or_update
from app.domains.banking.facts import Aside, AsideKind
from app.domains.banking.models import SetAside
from app.domains.banking.sync.spool import movement_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.banking.facts import Movement

#: Of the rows that wait for an account, so many are taken up in one sync.
MAX_TAKEN_UP = 5_000


def unlisted(movement: Movement) -> Aside:
    """A transaction whose account the item does not have."""
    return Aside(
        kind=AsideKind.TRANSACTION,
        id=movement.id,
        reason=f'The account "{movement.account_id}" is not among those of this connection.',
        row=json.dumps(movement, default=str),
        missing_account=movement.account_id,
    )


def keep(session: Session, rows: Iterable[Aside], *, item_id: int, now: datetime) -> None:
    """Keep rows with their reasons; of one that was kept before, the new reason."""
    values = [_values(row, item_id=item_id, now=now) for row in rows]
    if not values:
        return
    statement = insert_or_update(session, SetAside)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[SetAside.item_id, SetAside.kind, SetAside.plaid_id],
        set_={"reason": new.reason, "row": new.row, "missing_account": new.missing_account},
    )
    session.connection().execute(statement, values)


def _values(row: Aside, *, item_id: int, now: datetime) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "kind": row.kind,
        "plaid_id": row.id,
        "reason": row.reason,
        "row": row.row,
        "missing_account": row.missing_account,
        "set_aside_at": now,
    }


def clear(session: Session, *, item_id: int, kind: AsideKind, ids: Collection[str]) -> None:
    """Forget rows that Plaid has corrected or removed."""
    mine = (SetAside.item_id == item_id) & (SetAside.kind == kind)
    # Mostly there are none, and to name the ids of a page costs more than to look.
    if ids and session.scalar(select(SetAside.id).where(mine).limit(1)) is not None:
        session.execute(delete(SetAside).where(mine, SetAside.plaid_id.in_(ids)))


def waiting_for(session: Session, *, item_id: int, accounts: Collection[str]) -> list[Movement]:
    """The transactions that waited for one of `accounts`."""
    rows = session.scalars(
        select(SetAside.row)
        .where(SetAside.item_id == item_id, SetAside.missing_account.in_(accounts))
        .order_by(SetAside.id)
        .limit(MAX_TAKEN_UP)
    )
    return [movement_of(json.loads(row)) for row in rows]


def since(session: Session, *, item_id: int) -> datetime | None:
    """Since when the item has rows that are set aside; None while it has none."""
    first = select(SetAside.set_aside_at).where(SetAside.item_id == item_id)
    return session.scalar(first.order_by(SetAside.set_aside_at).limit(1))
