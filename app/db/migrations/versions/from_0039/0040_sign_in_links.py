"""links with which somebody signs in"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Sequence

revision = "0040"
down_revision = "0039"

TABLE, NAME = "mailed_link", "ck_mailed_link_purpose"
MAILED = ("password_reset", "registration", "email_change")


def upgrade() -> None:
    _allow((*MAILED, "sign_in"))


def downgrade() -> None:
    op.execute("DELETE FROM mailed_link WHERE purpose = 'sign_in'")
    _allow(MAILED)


def _allow(purposes: Sequence[str]) -> None:
    listed = ", ".join(f"'{purpose}'" for purpose in purposes)
    with op.batch_alter_table(TABLE) as table:
        table.drop_constraint(op.f(NAME), type_="check")
        table.create_check_constraint(op.f(NAME), f"purpose IN ({listed})")
