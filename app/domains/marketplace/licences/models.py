"""The tables of licences."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base
from app.db.encryption import Encrypted


class Licence(Base):
    """Leave to use a model. It is good from when its order was paid until it expires or is revoked."""

    __tablename__ = "licence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "position"], ["customer_order_line.order_id", "customer_order_line.position"]
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    order_id: Mapped[int] = mapped_column(BIG_ID, index=True)
    position: Mapped[int]
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), index=True)
    #: SHA-256 of the key, by which it is looked up.
    digest: Mapped[str] = mapped_column(Text, unique=True)
    #: For its buyer alone.
    key: Mapped[str] = mapped_column(Encrypted("licence key"))
    max_activations: Mapped[int]
    issued_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LicenceActivation(Base):
    """A device on which a licence is used."""

    __tablename__ = "licence_activation"

    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), primary_key=True)
    #: As the software there calls it.
    device: Mapped[str] = mapped_column(Text, primary_key=True)
    activated_at: Mapped[datetime]
