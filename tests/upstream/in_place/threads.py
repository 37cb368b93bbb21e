"""The pool of threads, for tests that ask for one of processes."""

from __future__ import annotations

from typing import Any

from celery import concurrency

kinds: Any = concurrency
kinds.ALIASES["prefork"] = "app.worker.pools.threads:Threads"
