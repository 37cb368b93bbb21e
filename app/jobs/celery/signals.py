"""Celery's signals around the sending of a task, for those who trace, count or mark what is sent.

A receiver of `before_task_publish` may change the arguments and add headers, as with Celery's own sending.
What it adds is kept with the row, so that a job which is published again brings it along. Without a
receiver nothing of this is done.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from celery import signals
from kombu import Exchange, Queue

from app.jobs.celery.signatures import sealed
from app.jobs.declaration import registry
from app.jobs.errors import HeadersNotJson
from app.jobs.factory import arguments
from app.jobs.ledger.encoding import said
from app.jobs.publish.message import EMBEDDED, Dispatch, encode_all
from app.values.typed_json import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.jobs.ledger.new_job import NewJob

#: Headers of Celery's that a receiver may change, because the row keeps them; the others follow from the row.
_KEPT = (
    "shadow",
    "timelimit",
    "ignore_result",
    "stamped_headers",
    "stamps",
    "root_id",
    "parent_id",
    "group_index",
)


def has_receivers() -> bool:
    """Whether anybody wants to be told."""
    return bool(signals.before_task_publish.receivers or signals.after_task_publish.receivers)


@contextmanager
def announced(jobs: Sequence[NewJob]) -> Iterator[Sequence[NewJob]]:
    """Tell receivers before and after the block, which accepts the jobs as receivers have left them."""
    if not has_receivers():
        yield jobs
        return
    drafts = [_Draft(job) for job in jobs]
    for draft in drafts:
        draft.tell_before()
    yield [draft.job for draft in drafts]
    for draft in drafts:
        draft.tell_after()


class _Draft:
    """A job as a message that is not sent yet.

    Each has a context of its own: a receiver that opens a span before and closes it after finds it there,
    and the spans of a batch do not nest.
    """

    def __init__(self, job: NewJob) -> None:
        self.job = job
        self._context = copy_context()
        expires = job.expires_at.isoformat() if job.expires_at else None
        self._raw = next(encode_all([Dispatch.first(job, expires=expires, published=0.0)]))
        message = json.loads(self._raw)
        self._headers = message["headers"] | {"eta": job.run_at and job.run_at.isoformat()}
        self._properties = message["properties"]
        embedded = {name: _options_of(job).get(name) for name in EMBEDDED}
        self._body = (from_json(job.args), from_json(job.kwargs), embedded)

    def tell_before(self) -> None:
        """Let receivers see the message and change it."""
        self._context.run(
            signals.before_task_publish.send,
            sender=self.job.task,
            body=self._body,
            exchange="",
            routing_key=self.job.queue,
            declare=[Queue(self.job.queue, Exchange(""), routing_key=self.job.queue)],
            headers=self._headers,
            properties=self._properties,
            retry_policy={},
        )
        self.job = self._with_options(self._with_arguments(self.job))

    def tell_after(self) -> None:
        """Tell receivers that the job is accepted; the message follows with the commit."""
        self._context.run(
            signals.after_task_publish.send,
            sender=self.job.task,
            body=self._body,
            exchange="",
            routing_key=self.job.queue,
            headers=self._headers,
        )

    def _with_arguments(self, job: NewJob) -> NewJob:
        args, kwargs, _ = self._body
        if args == from_json(job.args) and kwargs == from_json(job.kwargs):
            return job
        encoded = arguments(registry.spec_of(job.task), args, kwargs)
        return job._replace(args=encoded.args, kwargs=encoded.kwargs)

    def _with_options(self, job: NewJob) -> NewJob:
        before, options = json.loads(self._raw)["headers"], _options_of(job)
        given = options.pop("headers", {})
        added = {name: value for name, value in self._headers.items() if name in given or name not in before}
        options |= {
            name: self._headers.get(name) for name in _KEPT if self._headers.get(name) != before[name]
        }
        options |= {
            name: sealed(value) for name, value in self._body[2].items() if value != options.get(name)
        }
        options |= {"headers": added} if added else {}
        try:
            return job._replace(options=to_json(options) if options else None)
        except Exception as error:  # a value's own methods may raise anything
            raise HeadersNotJson(task=job.task, problem=said(error)) from None


def _options_of(job: NewJob) -> dict[str, Any]:
    return from_json(job.options) if job.options else {}
