"""Results for Celery clients elsewhere, which read them where plain Celery would have put them.

Triggers note what is to be written in `result_outbox`, in the transaction that ends a job and whichever
statement ends it. A cursor over the times or ids of finished jobs would lose some: transactions do not commit
in the order in which these were given, and one that is late would lie behind the cursor. Rows of an outbox
are deleted by their ids, so that no order matters. Without `GROUNDWORK_RESULT_MIRROR` there are no triggers,
and the end of a job costs what it did.

Only what became of a job is written, never its arguments; what is sealed in a result is masked. Clients find
a result in Redis for a day, and in a database until one of its own clients cleans up, as with plain Celery.
Groups are not written, and neither is what had ended before there was a mirror.
"""
