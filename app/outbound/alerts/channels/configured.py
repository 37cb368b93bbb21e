"""The channels that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.outbound.alerts.channels.command import command
from app.outbound.alerts.channels.mail import mail
from app.settings.alert_kinds import command_of, words_of
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.outbound.alerts.channels.channel import Channel


def channels() -> dict[str, Channel]:
    """Every channel by its name."""
    given = settings()
    argv = command_of(given.alert_command)
    found = [
        *(mail(address) for address in words_of(given.alert_mail)),
        *_by_http(
            slack_urls=given.alert_slack_urls.get_secret_value().split(),
            webhook_urls=given.alert_webhook_urls.get_secret_value().split(),
        ),
        *([command(argv)] if argv else []),
    ]
    return {channel.name: channel for channel in found}


def _by_http(*, slack_urls: list[str], webhook_urls: list[str]) -> Iterator[Channel]:
    if not slack_urls and not webhook_urls:
        return
    # Beat and each worker look after channels; the client of HTTP is loaded where there is one for it.
    from app.outbound.alerts.channels.slack import slack
    from app.outbound.alerts.channels.webhook import webhook

    yield from map(slack, slack_urls)
    yield from map(webhook, webhook_urls)
