"""What saved views hold about people: which lists they come back to."""

from app.console.views.models import SavedView
from app.personal_data.declaration import Declaration, Delete, PersonalTable

DECLARATION = Declaration(
    tables=(
        PersonalTable(model=SavedView, rows=lambda who: SavedView.user_id == who.user_id, erasure=Delete()),
    )
)
