"""Text of others, fit to be kept and shown: one line, bounded, and without what opens something.

A provider that is broken or hostile may answer with anything, what it was sent included.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.settings.config import Settings

MASK = "***"
MAX_EXCERPT = 300
MAX_SENTENCE = 2_000
#: Shorter ones are words that stand in any text.
SHORTEST_SECRET = 6
#: Settings that are no secrets by themselves, but half of a pair.
_HALVES = ("plaid_client_id", "aws_access_key_id")
#: Settings of several secrets, with spaces between them.
_LISTS = ("alert_slack_urls", "alert_webhook_urls")
_SHAPES = re.compile(
    r"gw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"
    r"|gw[fklrs]_[A-Za-z0-9_-]{43}"
    r"|(?:access|public|link|processor)-(?:sandbox|development|production)-[A-Za-z0-9-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    # Looked for where a word begins: at each place anew, a word that only looks like many would cost minutes.
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    # Of Google (access, refresh, authorization code, client secret), and of Slack.
    r"|ya29\.[A-Za-z0-9_-]{8,}|\b(?:1//0|4/0A)[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{8,}"
    r"|xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=Bearer )\S+|(?<=Basic )\S+",
    re.DOTALL | re.IGNORECASE,
)
#: In whatever has one of these forms, one of these stands: most texts have none, and to look for them costs a
#: tenth of looking for the forms.
_SIGNS = (
    *("gw", "access-", "public-", "link-", "processor-", "akia", "asia", "eyj", "ya29.", "1//0", "4/0a"),
    *("gocspx-", "xox", "xapp-", "-----begin", "bearer ", "basic "),
)
#: What is so long and mixes letters and digits is no word of any language. Looked for where it begins alone.
_OPAQUE = re.compile(
    r"(?<![A-Za-z0-9_+=/:-])(?=[A-Za-z_+=/:-]*[0-9])(?=[0-9_+=/:-]*[A-Za-z])[A-Za-z0-9_+=/:-]{32,}"
)
#: More than this is not looked through.
_LOOKED_AT = 20_000
#: What is to be kept whole, as far as it fits, is looked through up to this.
MAX_LOOKED_AT = 64 * 1024


def excerpt(text: object, *, hiding: Iterable[str] = ()) -> str:
    """What a provider says, as a part of a sentence; `hiding` is what it was given and must not be shown."""
    shown = without_secrets(_line(str(text)[:_LOOKED_AT]), hiding=hiding)
    return _cut(_OPAQUE.sub(MASK, shown), MAX_EXCERPT)


def identifier(text: object) -> str:
    """An id that a provider gave. Ids are opaque, so only what is known as a secret is taken out."""
    return _cut(without_secrets(_line(str(text)[:_LOOKED_AT])), MAX_EXCERPT)


def sentence(text: str) -> str:
    """A sentence with something of a provider in it."""
    return _cut(without_secrets(_line(text[:_LOOKED_AT])), MAX_SENTENCE)


def without_secrets(text: str, *, hiding: Iterable[str] = ()) -> str:
    """`text` without the secrets of the settings, those in `hiding`, and what has the form of one.

    Of what is too long to be looked through, the middle is left out.
    """
    text = shortened(text, most=MAX_LOOKED_AT)
    hidden = set(hiding)
    for form in _forms_of({*hidden, *_secrets(settings())}) if hidden else _KNOWN.forms():
        text = text.replace(form, MASK)
    folded = text.casefold()
    return _SHAPES.sub(MASK, text) if any(sign in folded for sign in _SIGNS) else text


def shortened(text: str, *, most: int, length: int | None = None) -> str:
    """`text` without its middle if it is longer than `most`; `length` is what it had at first."""
    if len(text) <= most:
        return text
    half, left_out = most // 2, (length or len(text)) - most
    return f"{text[:half]} ... {left_out} characters left out ... {text[-half:]}"


def _forms_of(secrets: Iterable[str]) -> list[str]:
    """Each as it is and as a part of a URL; the longest first, of which another may be a part."""
    worth = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
    return sorted({*worth, *(quote(secret, safe="") for secret in worth)}, key=len, reverse=True)


class _Known:
    """The secrets of the settings, put together once for each reading of them and not for each text."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._forms: list[str] = []

    def forms(self) -> list[str]:
        given = settings()
        if given is not self._settings:
            self._forms = _forms_of(_secrets(given))
            self._settings = given
        return self._forms


_KNOWN = _Known()


def _secrets(given: Settings) -> Iterator[str]:
    yield from given.secret_keys
    for name in type(given).model_fields:
        value = getattr(given, name)
        if name in _LISTS:
            yield from value.get_secret_value().split()
        elif isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif name in _HALVES:
            yield str(value or "")
    for url in (given.database_url, given.redis_url, given.broker_url, given.result_mirror):
        yield _password(url.get_secret_value() if isinstance(url, SecretStr) else url)


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def _line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
