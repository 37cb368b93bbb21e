"""HTTP routes of usage: what happens to models is told in batches, and counted by the hour and the day."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.db.sessions import reading, transaction
from app.domains.marketplace.scopes import VIEW_USAGE, WRITE_USAGE
from app.domains.marketplace.usage import recording, schemas
from app.domains.marketplace.usage.models import UsageKind
from app.domains.marketplace.usage.reading import counts, usual_begin
from app.settings.business_clock import business_now
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Id

router = APIRouter(prefix="/api/v1/marketplace", tags=["marketplace"])
may_read = Depends(require(VIEW_USAGE, BY_SCOPE))
may_write = Depends(require(WRITE_USAGE, BY_SCOPE))


@router.post("/usage/events", dependencies=[may_write])
def take_events(given: schemas.EventsIn) -> schemas.EventsCounted:
    """Count up to 1,000 events, each once by its id: what is answered is counted, and may be sent again."""
    with transaction() as session:
        told = [one.told for one in given.events]
        counted = recording.take(session, told, now=business_now())
    return schemas.EventsCounted(counted=counted, known=len(told) - counted)


@router.get("/models/{model_id}/usage", dependencies=[may_read])
def get_usage(model_id: Id, query: Annotated[schemas.UsageQuery, Query()]) -> schemas.UsageView:
    """How often a model was viewed, downloaded and bought, by the hour or the day, of 1,000 at most."""
    before = query.before or business_now()
    after = query.after or usual_begin(query.span, before=before)
    with reading() as session:
        rows = counts(session, model_id=model_id, span=query.span, after=after, before=before)
        shown = [schemas.CountView.model_validate(row) for row in rows]
    totals = Counter(dict.fromkeys(UsageKind, 0))
    for one in shown:
        totals[one.kind] += one.count
    return schemas.UsageView(model_id=model_id, span=query.span, counts=shown, totals=dict(totals))
