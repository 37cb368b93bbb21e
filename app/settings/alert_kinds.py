"""What the settings of alerts may be: addresses, URLs and a command; all else is refused at the start."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

from app.settings.kinds import is_http_url

MAX_CHANNELS = 20
MAX_WORDS = 50
_COMMAND = (
    'give a JSON list whose first word is an absolute path, such as ["/usr/local/bin/page", "--urgent"]'
)


def words_of(text: str) -> list[str]:
    """What stands in a list, between spaces or commas; a repeated one counts once."""
    return list(dict.fromkeys(text.replace(",", " ").split()))


def command_of(text: str) -> list[str]:
    """The command and its arguments; nothing where none is set."""
    words = json.loads(text) if text else []
    if not isinstance(words, list):
        raise TypeError("no list")
    return words


def _refused(sentence: str) -> PydanticCustomError:
    # Braces are for values of pydantic's own.
    return PydanticCustomError("setting", "{sentence}", {"sentence": sentence})


def _few(words: list[str]) -> list[str]:
    if len(words) > MAX_CHANNELS:
        raise _refused(f"{len(words)} are too many, give at most {MAX_CHANNELS}")
    return words


def _addresses(text: str) -> str:
    # Not above: what knows all rules for domains is large.
    from app.values.email_addresses import CannotBeAddressed, wire_form

    for address in _few(words_of(text)):
        try:
            wire_form(address)
        except CannotBeAddressed as error:
            raise _refused(f"{str(error).rstrip('.')}; give addresses such as ops@example.org") from None
    return text


def _urls(given: SecretStr) -> SecretStr:
    for place, url in enumerate(_few(given.get_secret_value().split()), start=1):
        # It is a secret, so it is not repeated.
        if not is_http_url(url):
            raise _refused(f"number {place} is no URL such as https://hooks.example.org/path")
    return given


def _url(given: SecretStr) -> SecretStr:
    url = given.get_secret_value()
    if url and not is_http_url(url):
        raise _refused("give a URL such as https://hc-ping.com/UUID")
    return given


def _command(text: str) -> str:
    try:
        words = command_of(text)
    except (ValueError, TypeError, RecursionError):
        raise _refused(_COMMAND) from None
    usable = all(isinstance(word, str) and "\0" not in word and word.isprintable() for word in words)
    if not usable or len(words) > MAX_WORDS or (words and not words[0].startswith("/")):
        raise _refused(_COMMAND)
    return text


AlertAddresses = Annotated[str, AfterValidator(_addresses)]
AlertUrls = Annotated[SecretStr, AfterValidator(_urls)]
HeartbeatUrl = Annotated[SecretStr, AfterValidator(_url)]
AlertCommand = Annotated[str, AfterValidator(_command)]
