"""Which texts may name something in the ledger: a job, a group, a task."""

from __future__ import annotations

import re

#: In characters, as in the API's paths.
MAX_ID = 200
#: An index of PostgreSQL takes 2,704 bytes.
MAX_INDEXED_BYTES = 2_500
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_name(value: object, *, most: int = MAX_ID) -> bool:
    """Whether `value` is a text that the databases can hold and find again."""
    if not isinstance(value, str) or not 0 < len(value) <= most or _UNSTORABLE.search(value):
        return False
    return len(value.encode()) <= MAX_INDEXED_BYTES
