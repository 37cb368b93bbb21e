"""A job as a Celery message, in the form kombu's Redis transport reads.

A message is made from the ledger's row alone, so a republished one is the same message again.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

from app.jobs.ledger.seal import SEAL, mask
from app.jobs.publish.headers import CONTEXT_HEADER, LEDGER_HEADER, PUBLISHED_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.jobs.ledger.new_job import NewJob

#: Arguments longer than this are cut in Celery's logs and in Flower.
REPR_LENGTH = 512
#: Parts of a message that travel in the body and not in the headers.
EMBEDDED = ("callbacks", "errbacks", "chain", "chord")


class Dispatch(NamedTuple):
    """A ready job on its way to the broker. Fields of JSON hold JSON text."""

    id: str
    task: str
    queue: str
    priority: int
    args: str
    kwargs: str
    options: str | None
    context: str | None
    group_id: str | None
    attempt: int
    expires: str | None
    published: float

    @classmethod
    def first(cls, job: NewJob, *, expires: str | None, published: float) -> Dispatch:
        """The first message of a job that is accepted now."""
        # By position: with a thousand jobs, naming the fields would take as long as encoding the messages.
        return cls._make((*job[:_FROM_JOB], 0, expires, published))


#: So many fields a message and a new job begin with alike.
_FROM_JOB = Dispatch._fields.index("attempt")


def encode_all(jobs: Iterable[Dispatch]) -> Iterator[bytes]:
    """The bytes of the messages of `jobs`. What neighbours have in common is encoded once."""
    shape, pieces, tag = None, [""], secrets.token_hex(8)
    for job in jobs:
        if shape != job[1:]:
            shape, pieces = job[1:], _pieces(job, tag=tag)
        yield quoted(job.id)[1:-1].join(pieces).encode()


def _pieces(job: Dispatch, *, tag: str) -> list[str]:
    """The message's text, cut where the job's id belongs."""
    frame = _frame(job.task, job.queue, job.priority, job.options, job.group_id, os.getpid())
    options: dict[str, Any] = json.loads(job.options) if job.options else {}
    values = {
        "body": _body(job, options=options),
        "expires": quoted(job.expires) if job.expires else "null",
        "retries": str(int(job.attempt)),
        "args": quoted(_shown(job.args)),
        "kwargs": quoted(_shown(job.kwargs)),
        "published": repr(job.published),
        # Of every request another: a frame for each would be made for one message.
        "context": job.context or "null",
        "tag": f'"{_ID}.{tag}"',
    }
    parts = list(frame)
    parts[1::2] = [values[name] for name in frame[1::2]]
    return "".join(parts).split(_ID)


def _body(job: Dispatch, *, options: dict[str, Any]) -> str:
    embed = json.dumps({name: options.get(name) for name in EMBEDDED}) if options else _NOTHING_EMBEDDED
    body = base64.b64encode(f"[{job.args}, {job.kwargs}, {embed}]".encode()).decode()
    return f'"{body}"'


_NOTHING_EMBEDDED = json.dumps(dict.fromkeys(EMBEDDED))
#: Mark the places of a job's id and of its other values; random, so that no data holds them.
_ID, _MARK = secrets.token_hex(8), secrets.token_hex(8)


@lru_cache(maxsize=256)
def _frame(*shared: Any) -> tuple[str, ...]:
    """What like jobs' messages have in common: JSON text, and at odd places the names of what differs."""
    text = json.dumps(_message(*shared), separators=(",", ":"))
    return tuple(text.replace(f'"{_MARK}', _MARK).replace(f'{_MARK}"', _MARK).split(_MARK))


def _place(name: str) -> str:
    return f"{_MARK}{name}{_MARK}"


def _message(
    task: str,
    queue: str,
    priority: int,
    options_json: str | None,
    group_id: str | None,
    pid: int,
) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(options_json) if options_json else {}
    headers = {
        **options.get("headers", {}),
        "lang": "py",
        "task": task,
        "id": _ID,
        "shadow": options.get("shadow"),
        "eta": None,
        "expires": _place("expires"),
        "group": group_id,
        "group_index": options.get("group_index"),
        "retries": _place("retries"),
        "timelimit": options.get("timelimit") or [None, None],
        "root_id": options.get("root_id", _ID),
        "parent_id": options.get("parent_id"),
        "argsrepr": _place("args"),
        "kwargsrepr": _place("kwargs"),
        "origin": f"gen{pid}@{socket.gethostname()}",
        "ignore_result": options.get("ignore_result", False),
        "replaced_task_nesting": options.get("replaced_task_nesting", 0),
        "stamped_headers": options.get("stamped_headers"),
        "stamps": options.get("stamps", {}),
        LEDGER_HEADER: True,
        PUBLISHED_HEADER: _place("published"),
        CONTEXT_HEADER: _place("context"),
    }
    properties = {
        "correlation_id": _ID,
        "reply_to": options.get("reply_to") or "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": queue},
        "priority": priority,
        "body_encoding": "base64",
        "delivery_tag": _place("tag"),
    }
    return {
        "body": _place("body"),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }


def _shown(arguments: str) -> str:
    """JSON text for logs and for Flower: short, and without what is sealed."""
    if SEAL in arguments:
        arguments = json.dumps(mask(json.loads(arguments)))
    return arguments[:REPR_LENGTH]
