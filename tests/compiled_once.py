"""Engines that compile a statement once per process, though each test has an engine of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.util import LRUCache

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from sqlalchemy import URL, Dialect, Engine

#: Far more than there are statements.
CAPACITY = 10_000
#: What engines of a kind have in common, once one of them has seen its server.
_DIALECTS: dict[type[Dialect], Dialect] = {}
_COMPILED: MutableMapping[Any, Any] = LRUCache(CAPACITY)


def one_dialect(url: URL, **options: Any) -> Engine:
    """An engine with the dialect of the first of its kind: what is compiled is kept under the dialect."""
    made = create_engine(url, **options)
    made.update_execution_options(compiled_cache=_COMPILED)
    kind = type(made.dialect)
    if kind in _DIALECTS:
        made.dialect = _DIALECTS[kind]
    else:
        # Not before: a dialect learns from its first connection what its server can.
        event.listen(made, "connect", lambda *_: _DIALECTS.setdefault(kind, made.dialect))
    return made
