"""The outside world of a demonstration: a mail server with its mailbox, and a bank behind Plaid's API.

They run beside the service, out of `tests/fakes/`, and nothing leaves this machine. Their ports follow that
of the API, and the business day is held at ten o'clock, so that what is due at nine happens at once.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from local_settings import DEMO_FILE, as_env_file, write_private

if TYPE_CHECKING:
    from app.config import Settings

PAGE, SMTP, PLAID = 25, 26, 27
TEN = time(10, tzinfo=UTC)


def ports(given: Settings) -> list[int]:
    """Where the outside world listens: mailbox page, mail server, Plaid."""
    return [given.api_port + offset for offset in (PAGE, SMTP, PLAID)]


def mailbox_url(given: Settings) -> str:
    """Where the mail can be read."""
    return f"http://127.0.0.1:{given.api_port + PAGE}"


def command(given: Settings) -> list[str]:
    """What plays the outside world."""
    page, smtp, plaid = map(str, ports(given))
    options = ["--page-port", page, "--smtp-port", smtp, "--plaid-port", plaid]
    options += ["--webhook-url", f"http://127.0.0.1:{given.api_port}/api/v1/webhooks/plaid"]
    return [sys.executable, "-m", "tests.fakes", *options]


def begin(given: Settings) -> None:
    """Point the settings at the outside world of this machine."""
    values = {
        "MAIL_TRANSPORT": "smtp",
        "SMTP_PORT": str(given.api_port + SMTP),
        "SMTP_SECURITY": "none",
        "PLAID_ENVIRONMENT": f"http://127.0.0.1:{given.api_port + PLAID}",
        "PLAID_CLIENT_ID": "fake-client-id",
        "PLAID_SECRET": "fake-secret",
        "PLAID_WEBHOOK_URL": f"http://127.0.0.1:{given.api_port}/api/v1/webhooks/plaid",
        "PRETEND_NOW": datetime.combine(datetime.now(UTC).date(), TEN).isoformat(),
    }
    write_private(DEMO_FILE, as_env_file(values))


def end() -> None:
    """Take the settings back."""
    DEMO_FILE.unlink(missing_ok=True)
