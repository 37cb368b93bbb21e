"""A job as a Celery message, in the form kombu's Redis transport reads.

A message is made from the ledger's row alone, so a republished one is the same message again.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatch:
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


@lru_cache(maxsize=1)
def _origin_of(pid: int) -> str:
    return f"gen{pid}@{socket.gethostname()}"


def encode(job: Dispatch) -> bytes:
    """The message's bytes."""
    options: dict[str, Any] = json.loads(job.options) if job.options else {}
    embed = json.dumps({name: options.get(name) for name in EMBEDDED})
    body = base64.b64encode(f"[{job.args}, {job.kwargs}, {embed}]".encode()).decode()
    message = {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _headers(job, options=options),
        "properties": {
            "correlation_id": job.id,
            "reply_to": options.get("reply_to") or "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": job.queue},
            "priority": job.priority,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return json.dumps(message).encode()


def _shown(arguments: str) -> str:
    """JSON text for logs and for Flower: short, and without what is sealed."""
    if SEAL in arguments:
        arguments = json.dumps(mask(json.loads(arguments)))
    return arguments[:REPR_LENGTH]


def _headers(job: Dispatch, *, options: dict[str, Any]) -> dict[str, Any]:
    return {
        **options.get("headers", {}),
        "lang": "py",
        "task": job.task,
        "id": job.id,
        "shadow": options.get("shadow"),
        "eta": None,
        "expires": job.expires,
        "group": job.group_id,
        "group_index": options.get("group_index"),
        "retries": job.attempt,
        "timelimit": options.get("timelimit") or [None, None],
        "root_id": options.get("root_id") or job.id,
        "parent_id": options.get("parent_id"),
        "argsrepr": _shown(job.args),
        "kwargsrepr": _shown(job.kwargs),
        "origin": _origin_of(os.getpid()),
        "ignore_result": options.get("ignore_result", False),
        "replaced_task_nesting": options.get("replaced_task_nesting", 0),
        "stamped_headers": options.get("stamped_headers"),
        "stamps": options.get("stamps", {}),
        LEDGER_HEADER: True,
        PUBLISHED_HEADER: job.published,
        CONTEXT_HEADER: json.loads(job.context) if job.context else None,
    }
