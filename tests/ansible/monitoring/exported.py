"""The names of the series that the service tells, and those that an expression asks for."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from app.jobs.web import metrics

#: A recorded series has colons in its name.
_OURS = re.compile(r"(?<![:\w])groundwork_\w+(?![:\w])")
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}


def exported_names() -> set[str]:
    """Every name that a scrape may bring, be there a sample of it now or not."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {f"{family.name}{suffix}" for family in families for suffix in _SUFFIXES.get(family.type, ("",))}


def names_in(expression: str) -> set[str]:
    """The series of the service in an expression."""
    return set(_OURS.findall(expression))
