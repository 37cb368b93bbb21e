"""What a message of the ledger has beside Celery's own headers, for those too who load no ledger."""

from __future__ import annotations

#: Marks messages made by the ledger. A worker that finds no row for one drops it.
LEDGER_HEADER = "ledger"
#: Database time (epoch seconds) at which the message counts as sent; tells what a queue has lost.
PUBLISHED_HEADER = "published"
CONTEXT_HEADER = "context"
