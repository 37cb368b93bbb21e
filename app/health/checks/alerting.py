"""The kinds of alerts that the checks raise."""

from __future__ import annotations

from app.health.checks.looks import CHECKS
from app.outbound.alerts.kinds import declare_kinds

declare_kinds(check.kind for check in CHECKS)
