"""The business's clock, and who may go by the host's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.settings.business_clock import business_now, local_time
from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the host's own clock is the right one, and why.
HOSTS_CLOCK = {
    "app/settings/business_clock.py": "it is the business's as well, outside of a trial",
    "app/db/columns.py": "a sentence names it as the remedy",
    "app/health/doctor/database.py": "it is compared with the database's",
    "app/terminal.py": "a person reads how long ago something was",
    "app/health/doctor/backup.py": "the host's own program says when it made a backup",
    "app/health/doctor/certificates.py": "a certificate says when it ends",
    "app/health/monitor/outage.py": "the database, whose clock would be right, is away",
    "app/console/forms.py": "a page offers times to come",
    "app/console/routes/schedules/calendar.py": "a page shows the week in which it is asked for",
    "app/console/routes/timeline.py": "a page shows the time until now, also while the database is slow",
    "app/console/pages.py": "a page says when it was made, also while the database is away",
    "app/jobs/commands.py": "a person says how long ago something was",
    "app/jobs/declaration/options.py": "a caller's moment is checked before there is a transaction",
    "app/jobs/web/submit.py": "a caller's moment is checked before there is a transaction",
    "app/jobs/quarantine/quarantine.py": "it notes when a process took a message out of a queue",
    "app/outbound/retry_after.py": "a provider says until when to wait",
    "app/outbound/mail/transport.py": "a mail's Date header",
    "app/outbound/alerts/message.py": "a trial says when it was asked for, also while the database is away",
    "app/tokens/callers.py": "tokens end for everybody at the same moment",
    "app/tokens/cli.py": "tokens end for everybody at the same moment",
    "app/tokens/service.py": "tokens end for everybody at the same moment",
    "app/domains/accounts/sessions/access_tokens.py": "tokens end for everybody at the same moment",
    "app/domains/audit/commands.py": "a person says how long ago something was",
    "app/domains/billing/integrations/api.py": "a provider says when its tokens end, and signs when it sent",
    "app/domains/billing/integrations/tasks.py": "a provider says when its tokens end",
    "app/domains/banking/api.py": "Plaid signs when it sent a webhook",
    "app/domains/marketplace/stripe/api.py": "Stripe signs when it sent an event",
}

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_business_goes_by_the_pretended_moment(configure: Callable[..., None]) -> None:
    configure(pretend_now="2026-01-31T09:00:00+01:00")
    assert business_now() == datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "shown"),
    [("Europe/Berlin", "14:00"), ("Asia/Kathmandu", "17:45"), ("Mars/Olympus", "12:00"), ("../etc", "12:00")],
)
def test_clocks_show_what_their_zone_says(timezone: str, shown: str) -> None:
    assert f"{local_time(NOON, timezone=timezone):%H:%M}" == shown


def test_only_what_has_to_agree_with_the_world_outside_goes_by_the_clock_of_the_host() -> None:
    asks = re.compile(r"datetime\.(now|today|utcnow)\(|\bdate\.today\(|\bmktime\(|time\.localtime\(")
    found = {
        str(path.relative_to(ROOT)) for path in (ROOT / "app").rglob("*.py") if asks.search(path.read_text())
    }
    assert found == HOSTS_CLOCK.keys()
