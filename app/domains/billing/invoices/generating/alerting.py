"""The kind of alerts of what cannot be charged."""

from __future__ import annotations

from app.outbound.alerts.kinds import declare_kinds

ALERT = "invoices"
declare_kinds([ALERT])
