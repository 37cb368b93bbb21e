"""How versions are shown: what a job was to do, and was cancelled or died before, has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.catalog.models import PushState, ScanState
from app.domains.marketplace.catalog.schemas import VersionView
from app.jobs.ledger.models import TERMINAL, Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.domains.marketplace.catalog.models import ModelVersion


def shown(session: Session, version: ModelVersion) -> VersionView:
    """A version as the API shows it."""
    return all_shown(session, [version])[0]


def all_shown(session: Session, versions: Sequence[ModelVersion]) -> list[VersionView]:
    """Versions as the API shows them."""
    views = [VersionView.model_validate(version) for version in versions]
    waited_for = {view.push_job_id for view in views if view.push_state == PushState.PUSHING}
    waited_for |= {view.scan_job_id for view in views if view.scan_state == ScanState.SCANNING}
    going_on = _going_on(session, waited_for) if waited_for else set()
    for view in views:
        if view.push_state == PushState.PUSHING and view.push_job_id not in going_on:
            view.push_state = PushState.FAILED
        if view.scan_state == ScanState.SCANNING and view.scan_job_id not in going_on:
            view.scan_state = ScanState.FAILED
    return views


def _going_on(session: Session, job_ids: set[str | None]) -> set[str | None]:
    return set(session.scalars(select(Job.id).where(Job.id.in_(job_ids), Job.state.not_in(TERMINAL))))
