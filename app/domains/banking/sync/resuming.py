"""A sync that goes back wherever it is not its turn at Plaid, and goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from app.domains.banking.errors import MalformedAnswer, MutatedDuringPagination, NeverSettled
from app.domains.banking.plaid import exact_json
from app.domains.banking.plaid.client import Plaid
from app.domains.banking.plaid.parsers import SYNC
from app.domains.banking.sync import item_sync
from app.domains.banking.sync.journal import Journal
from app.jobs.errors import NotYourTurn

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.banking.facts import Page, SyncStats
    from app.domains.banking.plaid.ahead import Ahead

T = TypeVar("T")


def sync_item(
    session: Session,
    *,
    item_id: int,
    take_turn: Callable[[], None],
    job_id: str,
    commit: Checkpoint,
    now: datetime,
) -> SyncStats:
    """As `item_sync.sync_item`; what `take_turn` raises `NotYourTurn` for, the next attempt asks."""

    def turn() -> None:
        # A sync that was cancelled, or is another worker's by now, asks for no more.
        commit()
        take_turn()

    with Journal(item_id=item_id, job_id=job_id) as journal:
        plaid = ResumingPlaid(turn=turn, journal=journal)
        try:
            stats = item_sync.sync_item(
                session, item_id=item_id, plaid=plaid, job_id=job_id, commit=commit, now=now
            )
        except NotYourTurn:
            journal.keep(session)
            commit()
            raise
        except NeverSettled:
            journal.clear(session)
            commit()
            raise
        journal.clear(session)
        return stats


@dataclass(frozen=True, kw_only=True)
class ResumingPlaid(Plaid):
    """Asks Plaid what the journal does not know, and notes what can be read."""

    journal: Journal

    def changes(self, *, access_token: str, cursor: str | None, ahead: Ahead | None = None) -> Page:
        """As `Plaid.changes`; after it has raised, no page of before is known any more."""
        if self.journal.is_restarted():
            raise MutatedDuringPagination
        try:
            return super().changes(access_token=access_token, cursor=cursor, ahead=ahead)
        except MutatedDuringPagination:
            self.journal.restart(SYNC)
            raise

    def _call(
        self,
        operation: str,
        request: dict[str, Any],
        read: Callable[[dict[str, Any]], T],
        *,
        ahead: Ahead | None = None,
    ) -> T:
        known = self.journal.answer_to(operation, request)
        if known is not None:
            try:
                return read(exact_json.answer_of(known, operation=operation))
            except MalformedAnswer:
                pass  # As another release kept it: Plaid is asked again.
        raw = self._asked(operation, request, ahead)
        told = read(exact_json.answer_of(raw, operation=operation))
        self.journal.add(operation, request, raw)
        return told

    def _is_known(self, operation: str, request: dict[str, Any]) -> bool:
        return self.journal.knows(operation, request)
