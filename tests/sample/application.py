"""The application with the sample tasks, for a beat: Celery has no `-I` for it."""

from __future__ import annotations

from app.celery_app import celery_app
from tests.sample import tasks

__all__ = ["celery_app", "tasks"]
