"""What the API says of rules by which events become entries."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.billing.time_capture.calendars.rules import Rule
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

MAX_RULES = 100
#: Nothing at all, or what can be seen.
Words = Annotated[str, Field(max_length=0)] | Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]


class CaptureRuleIn(StrictModel):
    """A rule: events whose title holds `words`, whatever the case, are time on the project."""

    project_id: RowId
    words: Words


class CaptureRulesIn(StrictModel):
    """All rules of a user, of which the first that fits counts."""

    rules: Annotated[list[CaptureRuleIn], Field(max_length=MAX_RULES)]

    def facts(self) -> list[Rule]:
        """As the service has them."""
        return [Rule(project_id=rule.project_id, words=rule.words) for rule in self.rules]


class CaptureRuleView(RowView):
    """A rule as it is kept."""

    project_id: int
    words: str


class CaptureRules(BaseModel):
    """The rules of a user in their order."""

    rules: list[CaptureRuleView]
