"""Which work the day has: tasks of the shop and the household, how many jobs, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

PLAID_DOWN = "PlaidUnavailable: Plaid answered 503 to /transactions/sync: INTERNAL_SERVER_ERROR."
LOGIN_EXPIRED = (
    "ItemBroken: Plaid refused item {}: ITEM_LOGIN_REQUIRED. The member has to sign in at the bank."
)
SMTP_GONE = "SMTPServerDisconnected: Connection unexpectedly closed"
MAILBOX_FULL = "Refused: 552 5.2.2 The mailbox of the recipient is full."
NO_VAT_ID = "KeyError: 'vat_id'"
WORKER_DIED = "WorkerDied: The process of {} ended before the job did."


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Jobs of one task."""

    task: str
    #: How long one of them usually runs.
    seconds: float
    #: How many come over the day; or how often a schedule makes one.
    jobs: int = 0
    every: timedelta | None = None
    arguments: Callable[[Random], dict[str, Any]] = lambda _: {}
    result: Callable[[Random], Any] = lambda _: None
    #: Each so many-th fails once, and then goes well.
    stumbles_each: int | None = None
    stumbles_with: str = ""
    #: Each so many-th is dead after its first attempt.
    dies_each: int | None = None
    dies_with: str = ""


HOUR = timedelta(hours=1)

KINDS = (
    Kind(
        task="pricing.recompute_all_discounts",
        seconds=6.0,
        every=HOUR,
        result=lambda rng: {"batches": 10_000, "changed": rng.randrange(40, 900)},
    ),
    Kind(task="stats.sync_stats", seconds=0.3, every=HOUR),
    Kind(task="banking.send_bill_reminders", seconds=0.2, every=HOUR / 4),
    Kind(
        task="banking.sync_item",
        seconds=2.5,
        jobs=180,
        arguments=lambda rng: {"item_id": rng.randrange(1, 40)},
        result=lambda rng: {"added": rng.randrange(12), "modified": rng.randrange(3), "removed": 0},
        stumbles_each=17,
        stumbles_with=PLAID_DOWN,
        dies_each=45,
        dies_with=LOGIN_EXPIRED,
    ),
    Kind(
        task="mail.deliver_mail",
        seconds=0.6,
        jobs=120,
        stumbles_each=25,
        stumbles_with=SMTP_GONE,
        dies_each=50,
        dies_with=MAILBOX_FULL,
    ),
    Kind(
        task="marketplace.send_order_confirmation",
        seconds=0.4,
        jobs=80,
        arguments=lambda rng: {"order_id": rng.randrange(1, 400)},
    ),
    Kind(
        task="marketplace.update_model_analytics",
        seconds=0.05,
        jobs=300,
        arguments=lambda rng: {"model_id": rng.randrange(1, 30), "event_type": "view"},
    ),
    Kind(
        task="marketplace.generate_model_thumbnail",
        seconds=3.0,
        jobs=40,
        arguments=lambda rng: {"model_id": rng.randrange(1, 30), "image_path": "picture.png"},
        result=lambda rng: {"bytes": rng.randrange(9_000, 60_000)},
        stumbles_each=13,
        stumbles_with=WORKER_DIED,
    ),
    Kind(
        task="marketplace.generate_invoice_pdf",
        seconds=1.8,
        jobs=80,
        arguments=lambda rng: {"order_id": rng.randrange(1, 400)},
    ),
)
