"""What mail holds about people."""

from app.outbound.mail.models import Suppression
from app.personal_data.declaration import Declaration, Keep, PersonalTable
from app.values.email_addresses import key_of

DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Suppression,
            rows=lambda who: Suppression.address == key_of(who.email),
            erasure=Keep("The address wants no mail, and is kept so that none is sent (GDPR, Article 21)."),
        ),
    )
)
