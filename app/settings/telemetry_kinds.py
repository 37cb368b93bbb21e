"""What the settings of traces and of error reports may be; all else is refused at the start."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

#: Source: RFC 9110, section 5.6.2.
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]+")


def headers_of(text: str) -> dict[str, str]:
    """Headers, out of `name=value,name=value`."""
    pairs = (one.partition("=") for one in text.split(",") if one.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _headers(given: SecretStr) -> SecretStr:
    # They are secrets, so none is repeated.
    for place, (name, value) in enumerate(headers_of(given.get_secret_value()).items(), start=1):
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise PydanticCustomError("setting", f"number {place} is not name=value, in letters of ASCII")
    return given


def _dsn(given: SecretStr) -> SecretStr:
    text = given.get_secret_value()
    try:
        url = urlsplit(text)
        is_one = bool(
            url.scheme in ("http", "https") and url.username and url.hostname and url.path.strip("/")
        ) and (url.port or 1)
    except ValueError:
        is_one = False
    if text and (not is_one or not _VALUE.fullmatch(text) or " " in text):
        raise PydanticCustomError("setting", "give a DSN such as https://KEY@HOST/PROJECT")
    return given


OtelHeaders = Annotated[SecretStr, AfterValidator(_headers)]
SentryDsn = Annotated[SecretStr, AfterValidator(_dsn)]
