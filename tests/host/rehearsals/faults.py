"""Releases that must not go live, each broken in a way of its own, and what its operator must read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.host.rehearsals.checkout import Checkout

AT_IMPORT = '\nraise RuntimeError("planted: the API cannot be imported")\n'
#: A worker is told apart by its command line, so that the API of the same release is in order.
IN_THE_WORKER = """
import sys

if "worker" in sys.argv:
    raise RuntimeError("planted: only the worker cannot be imported")
"""
AFTER_START = """

import time as _time

_STARTED = _time.monotonic()


class _Planted:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and _time.monotonic() - _STARTED > {seconds}:
            raise RuntimeError("planted: the API fails after {seconds} s")
        await self.app(scope, receive, send)


app.add_middleware(_Planted)
"""
MIGRATION = '''"""A step that fails half way."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade():
    op.create_table("planted", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("ALTER TABLE job ADD COLUMN planted text")
    op.execute("SELECT 'planted: this migration fails'::int")
'''


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is added to which file, and words of the real reason."""

    name: str
    changes: Callable[[Checkout], Mapping[str, str]]
    reason: str


FAULTS = (
    Fault(
        name="fails at import",
        changes=lambda _: {"app/rehearsal/api.py": AT_IMPORT},
        reason="planted: the API cannot be imported",
    ),
    Fault(
        name="fails at the first request",
        changes=lambda _: {"app/api.py": AFTER_START.format(seconds=0)},
        reason="planted: the API fails after 0 s",
    ),
    Fault(
        name="fails only in the worker",
        changes=lambda _: {"app/rehearsal/tasks.py": IN_THE_WORKER},
        reason="planted: only the worker cannot be imported",
    ),
    Fault(
        name="fails in a migration",
        changes=lambda checkout: {
            "app/db/migrations/versions/9999_planted.py": MIGRATION.format(newest=checkout.newest_revision())
        },
        reason="planted: this migration fails",
    ),
    Fault(
        name="answers 500 after 20 s",
        changes=lambda _: {"app/api.py": AFTER_START.format(seconds=20)},
        reason="planted: the API fails after 20 s",
    ),
)
