"""The outside world of a demonstration: a mailbox, a bank behind Plaid's API, AWS as moto plays it with a
registry of images, calendars at Google and Microsoft, and Slack.

They run beside the service, out of `tests/fakes/`, and nothing leaves this machine. Their ports follow that
of the API, and the business day is held at ten o'clock, so that what is due at nine happens at once.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from local_settings import DEMO_FILE, as_env_file, write_private

if TYPE_CHECKING:
    from app.settings.config import Settings

PAGE, SMTP, PLAID, AWS, GOOGLE, GRAPH, SLACK, REGISTRY = 25, 26, 27, 28, 29, 30, 31, 32
TEN = time(10, tzinfo=UTC)


def ports(given: Settings) -> list[int]:
    """Where the outside world listens: mailbox page, mail, Plaid, AWS, Google, Microsoft, Slack, images."""
    return [given.api_port + offset for offset in (PAGE, SMTP, PLAID, AWS, GOOGLE, GRAPH, SLACK, REGISTRY)]


def mailbox_url(given: Settings) -> str:
    """Where the mail can be read."""
    return f"http://127.0.0.1:{given.api_port + PAGE}"


def command(given: Settings) -> list[str]:
    """What plays the outside world."""
    page, smtp, plaid, aws, google, graph, slack, registry = map(str, ports(given))
    options = ["--page-port", page, "--smtp-port", smtp, "--plaid-port", plaid, "--aws-port", aws]
    options += [
        "--google-port",
        google,
        "--graph-port",
        graph,
        "--slack-port",
        slack,
        "--registry-port",
        registry,
    ]
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
        "PUSH_PROVIDER": "sns",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{given.api_port + AWS}",
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "ECR_REGISTRY_URL": f"http://127.0.0.1:{given.api_port + REGISTRY}",
        "GOOGLE_URL": f"http://127.0.0.1:{given.api_port + GOOGLE}",
        "MICROSOFT_URL": f"http://127.0.0.1:{given.api_port + GRAPH}",
        "SLACK_URL": f"http://127.0.0.1:{given.api_port + SLACK}",
        **{f"{name}_CLIENT_ID": "fake-client-id" for name in ("GOOGLE", "MICROSOFT", "SLACK")},
        **{f"{name}_CLIENT_SECRET": "fake-client-secret" for name in ("GOOGLE", "MICROSOFT", "SLACK")},
        "SLACK_SIGNING_SECRET": "fake-signing-secret-0123456789",
        "OAUTH_REDIRECT_URL": f"{mailbox_url(given)}/connected",
        "PRETEND_NOW": datetime.combine(datetime.now(UTC).date(), TEN).isoformat(),
    }
    write_private(DEMO_FILE, as_env_file(values))


def end() -> None:
    """Take the settings back."""
    if DEMO_FILE.exists():
        DEMO_FILE.unlink()
