"""A rule as JSON takes it, kept with every line: the rule may change, what was charged by it does not."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.domains.billing.charging.rules import Rule


def snapshot_of(rule: Rule) -> dict[str, Any]:
    """Its kind and all of its fields; decimals and days are texts, so that they stay what they are."""
    return {"kind": type(rule).__name__.lower(), **_fields(rule)}


def _fields(facts: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(facts, field.name)) for field in fields(facts)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value
