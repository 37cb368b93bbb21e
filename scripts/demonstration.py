"""The outside world of a demonstration: a mailbox, a bank behind Plaid's API, AWS as moto plays it with a
registry of images, calendars at Google and Microsoft, Slack, and Stripe.

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

#: What is there, in the order of the ports.
PARTS = ("page", "smtp", "plaid", "aws", "google", "graph", "slack", "registry", "stripe")
FIRST_PORT = 25
TEN = time(10, tzinfo=UTC)


def ports(given: Settings) -> list[int]:
    """Where the outside world listens."""
    return [_port(given, part) for part in PARTS]


def _port(given: Settings, part: str) -> int:
    return given.api_port + FIRST_PORT + PARTS.index(part)


def _url(given: Settings, part: str) -> str:
    return f"http://127.0.0.1:{_port(given, part)}"


def _service_url(given: Settings) -> str:
    return f"http://127.0.0.1:{given.api_port}"


def mailbox_url(given: Settings) -> str:
    """Where the mail can be read."""
    return _url(given, "page")


def command(given: Settings) -> list[str]:
    """What plays the outside world."""
    options = [word for part in PARTS for word in (f"--{part}-port", str(_port(given, part)))]
    return [sys.executable, "-m", "tests.fakes", *options, "--service-url", _service_url(given)]


def begin(given: Settings) -> None:
    """Point the settings at the outside world of this machine."""
    values = {
        "MAIL_TRANSPORT": "smtp",
        "SMTP_PORT": str(_port(given, "smtp")),
        "SMTP_SECURITY": "none",
        "PLAID_ENVIRONMENT": _url(given, "plaid"),
        "PLAID_CLIENT_ID": "fake-client-id",
        "PLAID_SECRET": "fake-secret",
        "PLAID_WEBHOOK_URL": f"{_service_url(given)}/api/v1/webhooks/plaid",
        "PUSH_PROVIDER": "sns",
        "AWS_ENDPOINT_URL": _url(given, "aws"),
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "ECR_REGISTRY_URL": _url(given, "registry"),
        "GOOGLE_URL": _url(given, "google"),
        "MICROSOFT_URL": _url(given, "graph"),
        "SLACK_URL": _url(given, "slack"),
        **{f"{name}_CLIENT_ID": "fake-client-id" for name in ("GOOGLE", "MICROSOFT", "SLACK")},
        **{f"{name}_CLIENT_SECRET": "fake-client-secret" for name in ("GOOGLE", "MICROSOFT", "SLACK")},
        "SLACK_SIGNING_SECRET": "fake-signing-secret-0123456789",
        # What moto finds in every image is high.
        "IMAGE_BLOCKING_SEVERITY": "critical",
        "STRIPE_WEBHOOK_SECRET": "whsec_fake0123456789abcdefFAKE0123",
        "OAUTH_REDIRECT_URL": f"{mailbox_url(given)}/connected",
        "PRETEND_NOW": datetime.combine(datetime.now(UTC).date(), TEN).isoformat(),
    }
    write_private(DEMO_FILE, as_env_file(values))


def end() -> None:
    """Take the settings back."""
    if DEMO_FILE.exists():
        DEMO_FILE.unlink()
