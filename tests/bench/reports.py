"""How long the reports of a busy day and of its month take among a million orders of 100,000 models.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.reports

Starts a PostgreSQL. A day has some 3,300 orders, and all models are looked at on each. Each report is made by
a process of its own, after a small one: the first also loads what sets the type.
"""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date
from multiprocessing import get_context
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.marketplace.reports import page, periods, spreadsheet
from app.domains.marketplace.reports.gathering import figures_of
from app.settings.config import settings
from app.settings.sources import PREFIX
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from app.domains.marketplace.reports.figures import Figures
    from app.domains.marketplace.reports.periods import Period

KIB_PER_MIB = 1024
ORDERS, MODELS, DAYS, USE_DAYS = 1_000_000, 100_000, 300, 31
PERIODS = (periods.of_day(date(2026, 10, 31)), periods.of_month(year=2026, month=10))
AT = "timestamptz '2026-01-05 00:00+00'"
FILL = (
    f"""INSERT INTO account_user (email, email_key, name, timezone, locale, preferences, created_at)
    SELECT i || '@example.org', i || '@example.org', 'Ann', 'UTC', 'en', '{{}}', {AT} + i * interval '7 hours'
    FROM generate_series(1, 1000) i""",
    f"""INSERT INTO software_model
    (slug, title, description, kind, framework, licence_type, state, created_at, published_at)
    SELECT 'm' || i, 'Model ' || i, '', 'k', 'f', 'l', 'published', {AT} + i * interval '4 minutes',
    {AT} + i * interval '4 minutes' FROM generate_series(1, {MODELS}) i""",
    f"""INSERT INTO pricing_tier
    (model_id, name, amount, currency, period, tax_category, tax_percent, max_activations, created_at)
    SELECT i, 'one', 10000, 'EUR', 'once', 'S', 190000, 1, {AT} FROM generate_series(1, {MODELS}) i""",
    f"""INSERT INTO customer_order (user_id, key, state, currency, net, tax, gross, created_at, paid_at)
    SELECT i % 1000 + 1, i, 'paid', (ARRAY['EUR', 'USD', 'JPY', 'GBP'])[i % 4 + 1], 10000, 1900, 11900,
    {AT} + i * interval '{DAYS} days' / {ORDERS}, {AT} + i * interval '{DAYS} days' / {ORDERS}
    FROM generate_series(1, {ORDERS}) i""",
    f"""INSERT INTO customer_order_line (order_id, position, model_id, tier_id, title, tier, period,
    max_activations, quantity, amount, net, tax_category, tax_percent)
    SELECT i, 1, i::bigint * 7919 % {MODELS} + 1, 1, 'Model', 'one', 'once', 1, 1, 10000, 10000, 'S', 190000
    FROM generate_series(1, {ORDERS}) i""",
    f"""INSERT INTO licence (order_id, position, model_id, user_id, digest, key, max_activations, issued_at)
    SELECT i, 1, 1, 1, i, '', 1, {AT} + i * interval '{DAYS} days' / {ORDERS}
    FROM generate_series(1, {ORDERS}) i""",
    f"""INSERT INTO usage_count
    SELECT i, 'view', 'day', timestamptz '2026-10-01 00:00+00' + d * interval '1 day', i % 97
    FROM generate_series(1, {MODELS}) i, generate_series(0, {USE_DAYS - 1}) d""",
    "ANALYZE",
)


def measured(period: Period) -> str:
    """A row: seconds in the database and of setting the files, their sizes, and the most memory there was."""
    page.pdf_of(_figures(periods.of_day(date(2025, 1, 1))))
    began = time.perf_counter()
    figures = _figures(period)
    gathered = time.perf_counter()
    sizes = [len(made) // KIB_PER_MIB for made in (page.pdf_of(figures), spreadsheet.csv_of(figures))]
    spent = time.perf_counter() - gathered
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB
    orders = sum(one.orders for one in figures.sales.values())
    return (
        f"{period!s:<10} {orders:>8,} orders {gathered - began:6.2f} s to count {spent:6.2f} s to set "
        f"{sizes[0]:4} KiB of PDF {sizes[1]:3} KiB of CSV {peak:4} MiB"
    )


def _figures(period: Period) -> Figures:
    with reading() as session:
        return figures_of(session, period)


def main() -> None:
    """Fill the tables, and make both reports."""
    with ExitStack() as stack:
        postgres = PostgresServer()
        stack.callback(postgres.close)
        postgres.start()
        postgres.execute("CREATE DATABASE bench")
        os.environ[f"{PREFIX}DATABASE_URL"] = postgres.url("bench")
        settings.cache_clear()
        revisions.upgrade()
        for statement in FILL:
            with transaction() as session:
                session.execute(text(statement))
        for period in PERIODS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                print(process.submit(measured, period).result())


if __name__ == "__main__":
    main()
