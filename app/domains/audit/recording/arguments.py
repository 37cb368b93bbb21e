"""Arguments of requests, fit to be kept: without secrets, and bounded."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from app.jobs.declaration import registry
from app.logs.masking import MASK, shortened, without_secrets
from app.values.strict_json import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.http.routing import Door

#: Characters of names and values that are kept of a request.
BUDGET = 4 * 1024
MAX_TEXT = 500
MAX_DEPTH = 8
MAX_QUERY = 16 * 1024
LEFT_OUT = "..."
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SECRET = re.compile(
    r"pass(?:word|wd|phrase|code)|^pass$|secret|token|auth(?!ors?(?:$|[_-]))|credential|cookie|session|signature|bearer|jwt"
    r"|api-?key|(?:^|[_-])(?:pin|otp|totp|mfa|cvv|cvc|iban|pan|ssn|csrf|keys?)(?:$|[_-])",
    re.IGNORECASE,
)
_CAMEL_KEY = re.compile(r"[a-z0-9]Keys?$")
#: Names that are remembered for what they are: requests have few, unless somebody makes them up.
NAMES_KNOWN = 1024


def is_secret(name: str) -> bool:
    """Whether what is called so is nobody's to read."""
    return _sounds_secret(name) or name in declared_sensitive()


@lru_cache(maxsize=NAMES_KNOWN)
def _sounds_secret(name: str) -> bool:
    return bool(_SECRET.search(name) or _CAMEL_KEY.search(name))


@cache
def declared_sensitive() -> frozenset[str]:
    """What tasks declare as sensitive; routes and jobs call the same thing by the same name."""
    return frozenset().union(*(spec.sensitive for spec in registry.tasks().values()))


def arguments_of(*, query: bytes, body: bytes | None, body_size: int) -> dict[str, Any]:
    """The query and the body of a request."""
    kept = _Kept()
    found: dict[str, Any] = {}
    if query:
        found["query"] = kept.pairs(_read_query(query))
    if body_size:
        found["body"] = kept.value(_read_body(body, size=body_size))
    return found


def without_secret_parts(path: str, *, door: Door | None) -> str:
    """`path` without the values of those parameters that are secrets."""
    match = door.pattern.match(path) if door else None
    named = match.groupdict() if match else {}
    for name in named:
        if match and named[name] and is_secret(name):
            path = path.replace(named[name], MASK)
    return without_secrets(path)


def _read_query(query: bytes) -> list[tuple[str, str]]:
    if len(query) > MAX_QUERY:
        # Cut anywhere, a secret could lose the name that tells it for one.
        return [(LEFT_OUT, f"{len(query)} bytes")]
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")


def _read_body(body: bytes | None, *, size: int) -> Any:
    """The document, if it can be told what in it is a secret."""
    try:
        if body is not None:
            return parsed(body)
    except Exception:  # noqa: S110 (whatever is wrong with it, the route has said so)
        pass
    return f"{LEFT_OUT} {size} bytes"


class _Kept:
    """Copies values until there is no more room."""

    def __init__(self) -> None:
        self._left = BUDGET
        #: The members of a list have their names, and most of their texts, in common.
        self._safe: dict[str, str] = {}

    def value(self, value: Any, *, depth: int = 0) -> Any:
        if isinstance(value, dict):
            return self.pairs(value.items(), depth=depth)
        if isinstance(value, list):
            return self._members(value, depth=depth)
        if isinstance(value, str):
            return self._text(value)
        self._left -= 8
        return value

    def pairs(self, pairs: Iterable[tuple[str, Any]], *, depth: int = 0) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            return {LEFT_OUT: "nested too deep"}
        found: dict[str, Any] = {}
        for name, value in pairs:
            if self._left <= 0:
                found[LEFT_OUT] = "more"
                break
            shown = self._text(name)
            kept = MASK if is_secret(name) else self.value(value, depth=depth + 1)
            found[shown] = _both(found[shown], kept) if shown in found else kept
        return found

    def _members(self, values: list[Any], *, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            return [LEFT_OUT]
        found: list[Any] = []
        for number, value in enumerate(values):
            if self._left <= 0:
                found.append(f"{LEFT_OUT} {len(values) - number} more")
                break
            found.append(self.value(value, depth=depth + 1))
        return found

    def _text(self, text: str) -> str:
        if text not in self._safe:
            self._safe[text] = UNSTORABLE.sub("?", without_secrets(text))
        kept = shortened(self._safe[text], most=max(min(MAX_TEXT, self._left), 16))
        self._left -= len(kept) + 4
        return kept


def _both(before: Any, after: Any) -> list[Any]:
    """A name that a query gives several times."""
    return [*before, after] if isinstance(before, list) else [before, after]
