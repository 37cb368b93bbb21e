"""A job as a Celery message, in the form kombu's Redis transport reads.

A message is made from the ledger's row alone, so a republished one is the same message again.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import uuid
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from app.jobs.seal import SEAL, mask
from app.topology import Priority

#: Marks messages made here. A worker that finds no row for one drops it: its acceptance was rolled back.
LEDGER_HEADER = "ledger"
#: Database time (epoch seconds) at which the message counts as sent; tells what a queue has lost.
PUBLISHED_HEADER = "published"
CONTEXT_HEADER = "context"
#: What kombu's Redis transport puts between a queue's name and a priority other than 0.
PRIORITY_SEPARATOR = "\x06\x16"
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


def list_of(*, queue: str, priority: int) -> str:
    """The Redis list (without the prefix) that holds a queue's messages of one priority."""
    step = max(step for step in Priority if step <= max(priority, 0))
    return queue if step == Priority.URGENT else f"{queue}{PRIORITY_SEPARATOR}{step.value}"


def encode(job: Dispatch) -> bytes:
    """The message's bytes."""
    frame = _frame(job.task, job.queue, job.priority, job.options, job.context, job.group_id, os.getpid())
    options: dict[str, Any] = json.loads(job.options) if job.options else {}
    job_id = quoted(job.id)
    values = {
        "id": job_id,
        "root": quoted(options["root_id"]) if "root_id" in options else job_id,
        "body": _body(job, options=options),
        "expires": quoted(job.expires) if job.expires else "null",
        "retries": str(job.attempt),
        "args": quoted(_shown(job.args)),
        "kwargs": quoted(_shown(job.kwargs)),
        "published": repr(job.published),
        "tag": f'"{uuid.uuid4()}"',
    }
    parts = list(frame)
    parts[1::2] = [values[name] for name in frame[1::2]]
    return "".join(parts).encode()


def _body(job: Dispatch, *, options: dict[str, Any]) -> str:
    embed = json.dumps({name: options.get(name) for name in EMBEDDED}) if options else _NOTHING_EMBEDDED
    body = base64.b64encode(f"[{job.args}, {job.kwargs}, {embed}]".encode()).decode()
    return f'"{body}"'


_NOTHING_EMBEDDED = json.dumps(dict.fromkeys(EMBEDDED))
#: Marks the places in a frame where a value of the single job belongs; random, so that no data can hold it.
_MARK = secrets.token_hex(8)


@lru_cache(maxsize=256)
def _frame(*shared: Any) -> tuple[str, ...]:
    """What the messages of like jobs have in common: JSON text, and at odd places the names of what differs.

    Encoding it anew for each of a thousand jobs would cost more than inserting them.
    """
    text = json.dumps(_message(*shared))
    return tuple(text.replace(f'"{_MARK}', _MARK).replace(f'{_MARK}"', _MARK).split(_MARK))


def _place(name: str) -> str:
    return f"{_MARK}{name}{_MARK}"


def _message(
    task: str,
    queue: str,
    priority: int,
    options_json: str | None,
    context: str | None,
    group_id: str | None,
    pid: int,
) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(options_json) if options_json else {}
    headers = {
        **options.get("headers", {}),
        "lang": "py",
        "task": task,
        "id": _place("id"),
        "shadow": options.get("shadow"),
        "eta": None,
        "expires": _place("expires"),
        "group": group_id,
        "group_index": options.get("group_index"),
        "retries": _place("retries"),
        "timelimit": options.get("timelimit") or [None, None],
        "root_id": _place("root"),
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
        CONTEXT_HEADER: json.loads(context) if context else None,
    }
    properties = {
        "correlation_id": _place("id"),
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
