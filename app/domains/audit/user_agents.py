"""What a user agent says of browser, system and device."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

#: Clients send the same again and again.
REMEMBERED = 1_000


class Agent(NamedTuple):
    """As far as it is known, with versions."""

    browser: str | None = None
    os: str | None = None
    device: str | None = None


@lru_cache(maxsize=REMEMBERED)
def agent_of(text: str | None) -> Agent:
    """What the user agent `text` is; its patterns are matched in a time that grows with the text alone."""
    if not text:
        return Agent()
    # Not above: the patterns take memory, and most processes that know these tasks never run one.
    from ua_parser import parse

    found = parse(text)
    browser, system, device = found.user_agent, found.os, found.device
    return Agent(
        browser=_joined(browser.family, browser.major) if browser else None,
        os=_joined(system.family, system.major, system.minor) if system else None,
        device=device.family if device else None,
    )


def _joined(family: str, *version: str | None) -> str:
    return " ".join([family, ".".join(part for part in version if part)]).rstrip()
