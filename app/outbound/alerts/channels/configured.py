"""The channels that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.outbound.alerts.channels.command import command
from app.outbound.alerts.channels.mail import mail
from app.outbound.alerts.channels.slack import slack
from app.outbound.alerts.channels.webhook import webhook
from app.settings.alert_kinds import command_of, words_of
from app.settings.config import settings

if TYPE_CHECKING:
    from app.outbound.alerts.channels.channel import Channel


def channels() -> dict[str, Channel]:
    """Every channel by its name."""
    given = settings()
    argv = command_of(given.alert_command)
    found = [
        *(mail(address) for address in words_of(given.alert_mail)),
        *(slack(url) for url in given.alert_slack_urls.get_secret_value().split()),
        *(webhook(url) for url in given.alert_webhook_urls.get_secret_value().split()),
        *([command(argv)] if argv else []),
    ]
    return {channel.name: channel for channel in found}
