"""Secrets that are inside of other values: Ansible hides only what it is told of."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit


def hide_secrets(module: Any) -> None:
    """Have Ansible hide the passwords inside of URLs, as they stand there and as they are typed."""
    for value in module.params["secrets"].values():
        module.no_log_values |= passwords_in(str(value))


def passwords_in(value: str) -> set[str]:
    """The password of a URL in both forms; nothing of other values."""
    try:
        password = urlsplit(value).password
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
