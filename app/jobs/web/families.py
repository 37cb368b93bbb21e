"""How metrics are made of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.metrics_core import Metric

#: Of what is counted by task.
LABELS = ("task", "queue")


def gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[tuple[Any, float]]) -> Metric:
    family = GaugeMetricFamily(f"groundwork_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric([values] if isinstance(values, str) else [str(value) for value in values], number)
    return family
