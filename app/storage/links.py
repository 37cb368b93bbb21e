"""Links to single files that expire: whoever has one needs no token, and gets this file and no other."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from app.db.encryption import signing_keys
from app.settings.config import settings
from app.settings.kinds import in_url
from app.storage.errors import UnusableLink, UnusableLinkTerms
from app.storage.files import checked_key
from app.storage.stores import store

if TYPE_CHECKING:
    from app.settings.config import Settings

PATH = "/api/v1/files"
#: Logs and audits know it by this.
KIND = "gwf_"
PURPOSE = "link to a file"
#: Source: Amazon S3 User Guide, "Sharing objects with presigned URLs"; the same holds for all stores.
LONGEST = timedelta(days=7)
#: The first line of a request has 4,094 bytes at most.
MAX_TOKEN = 3 * 1024
MAX_FILENAME, MAX_SUFFIX = 150, 16
_TYPE = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,90}"
_MEDIA_TYPE = re.compile(rf"{_TYPE}/{_TYPE}(?:; ?charset=[a-z0-9-]{{1,20}})?")
#: They end a part of a path, here or on the disk that the file is saved to.
_SEPARATORS = re.compile(r'[/\\:*?"<>|]')


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link gives, and until when, in seconds since 1970."""

    key: str
    filename: str
    media_type: str
    until: int

    @property
    def disposition(self) -> str:
        """How a browser is told to save the file. Source: RFC 6266."""
        plain = "".join(one if one.isascii() and one != "%" else "_" for one in self.filename)
        return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(self.filename, safe='')}"


def link(key: str, *, filename: str, media_type: str, expires: timedelta) -> str:
    """A URL that gives the file for so long, saved as `filename`, which is made fit for that.

    Whether the file is there is not looked at. Raises `UnusableKey` and `UnusableLinkTerms`.
    """
    if not timedelta(seconds=1) <= expires <= LONGEST:
        raise UnusableLinkTerms(f"A link cannot be good for {expires}. Choose a time from 1 s to {LONGEST}.")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise UnusableLinkTerms(f"{media_type[:80]!a} is no media type. Write one such as application/pdf.")
    until = int(time.time() + expires.total_seconds())
    given = Link(key=checked_key(key), filename=_saved_as(filename), media_type=media_type, until=until)
    of_store = store().url(key, disposition=given.disposition, media_type=media_type, expires=expires)
    return of_store or f"{_api_url(settings())}{PATH}?token={signed(given)}"


def signed(given: Link) -> str:
    """The token that stands for a link."""
    terms = _encoded(_json([given.key, given.filename, given.media_type, given.until]))
    return f"{KIND}{_signatures(terms)[0]}.{terms}"


def verified(token: str) -> Link:
    """What the token of a link gives. Raises `UnusableLink`."""
    signature, _, terms = token.removeprefix(KIND).partition(".")
    if not token.startswith(KIND) or len(token) > MAX_TOKEN or not token.isascii():
        raise UnusableLink
    # All of them, so that the time it takes tells nothing.
    if True not in [hmac.compare_digest(signature, one) for one in _signatures(terms)]:
        raise UnusableLink
    try:
        key, filename, media_type, until = json.loads(base64.urlsafe_b64decode(terms + "=="))
    except (binascii.Error, ValueError):
        raise UnusableLink from None
    if until <= time.time():
        raise UnusableLink
    return Link(key=key, filename=filename, media_type=media_type, until=until)


def _signatures(terms: str) -> list[str]:
    """Those under each of the secret keys; the first is that of new links."""
    return [_encoded(hmac.digest(key, terms.encode(), sha256)) for key in signing_keys(PURPOSE)]


def _json(value: list[str | int]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _saved_as(filename: str) -> str:
    """A name of any script that cannot end a header, name another folder, or hide what it ends with."""
    shown = "".join(one if one.isprintable() else "_" for one in filename)
    name = _SEPARATORS.sub("_", shown).strip(" .") or "file"
    if len(name) <= MAX_FILENAME:
        return name
    suffix = PurePath(name).suffix[:MAX_SUFFIX]
    return name[: MAX_FILENAME - len(suffix)] + suffix


def _api_url(given: Settings) -> str:
    return given.api_url or f"http://{in_url(given.api_host)}:{given.api_port}"
