"""Loads libraries of all services without what they load beside themselves, and no service uses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: By a library what it does without. Each takes the other up where it is installed: for tracebacks in colour,
#: messages in YAML, measurements of its own. Together that is a tenth of what a service has loaded.
EXTRAS = {"structlog": "rich", "kombu.serialization": "yaml", "redis": "opentelemetry.sdk"}


def load() -> None:
    """Before anything else loads them."""
    for library, extra in EXTRAS.items():
        with hidden(extra):
            import_module(library)


@contextmanager
def hidden(library: str) -> Iterator[None]:
    """Have `library` be none that is installed, unless it is loaded."""
    loaded: dict[str, Any] = sys.modules
    if library in loaded:
        yield
        return
    loaded[library] = None
    try:
        yield
    finally:
        del loaded[library]
