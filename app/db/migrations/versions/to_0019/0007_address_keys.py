"""keys of addresses that keep two mailboxes apart"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.values.email_addresses import key_of

revision = "0007"
down_revision = "0006"

USERS = sa.table("account_user", sa.column("email", sa.Text), sa.column("email_key", sa.Text))
SUPPRESSED = sa.table("mail_suppression", sa.column("address", sa.Text))


def upgrade() -> None:
    _renew(USERS, key=USERS.c.email_key, made_of=USERS.c.email)
    _renew(SUPPRESSED, key=SUPPRESSED.c.address, made_of=SUPPRESSED.c.address)


def _renew(table: sa.TableClause, *, key: sa.ColumnClause[str], made_of: sa.ColumnClause[str]) -> None:
    """Give each row the key that its address has today, but where another row has it already."""
    connection = op.get_bind()
    rows = connection.execute(sa.select(key, made_of)).all()
    known = {old for old, _ in rows}
    for old, address in rows:
        new = key_of(address)
        if new not in known:
            connection.execute(sa.update(table).where(key == old).values({key.name: new}))
            known.add(new)
