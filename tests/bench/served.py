"""The API with the benchmark's tasks."""

from __future__ import annotations

from app.api import app
from tests.bench import tasks

__all__ = ["app", "tasks"]
