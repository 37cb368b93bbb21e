"""Which providers the settings name; one that they do not is off."""

from __future__ import annotations

from pydantic import SecretStr

from app.domains.billing.integrations.errors import NotConfigured
from app.settings.config import settings


def required(provider: str, *names: str) -> None:
    """Raise `NotConfigured` unless all of these settings have a value."""
    missing = tuple(name for name in names if not _value(name))
    if missing:
        raise NotConfigured(provider=provider, settings=missing)


def _value(name: str) -> str:
    value = getattr(settings(), name)
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)
