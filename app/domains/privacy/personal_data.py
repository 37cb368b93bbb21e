"""What privacy itself holds about people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.privacy.exporting.service import delete_archive
from app.domains.privacy.models import Erasure, Export
from app.personal_data.declaration import Declaration, Delete, Keep, PersonalTable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.personal_data.declaration import Subject


def _sever(session: Session, subject: Subject) -> None:
    """Delete the archives; one that is being made finds that the person is erased, and goes by itself."""
    for export in session.scalars(select(Export).where(Export.user_id == subject.user_id)):
        delete_archive(export)


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Export,
            rows=lambda who: Export.user_id == who.user_id,
            erasure=Delete(),
            withheld={"passphrase": "It opens the archive, and is shown once, to whoever asked for it."},
        ),
        PersonalTable(
            model=Erasure,
            rows=lambda who: Erasure.user_id == who.user_id,
            erasure=Keep("It shows when the person was erased, and who confirmed it (GDPR, Article 5(2))."),
        ),
    ),
    sever=_sever,
)
