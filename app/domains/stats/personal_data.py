"""What statistics hold about people."""

from app.domains.stats.models import UserStat
from app.personal_data.declaration import Declaration, Delete, PersonalTable

DECLARATION = Declaration(
    tables=(
        PersonalTable(model=UserStat, rows=lambda who: UserStat.user_id == who.user_id, erasure=Delete()),
    )
)
