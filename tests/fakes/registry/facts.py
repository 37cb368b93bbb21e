"""What a registry of images keeps, and what it can be told to do."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

USER, PASSWORD = "AWS", "registry-password"


@dataclass(kw_only=True)
class Upload:
    """What came of a blob so far. Its content is hashed, and kept where the registry keeps it."""

    repository: str
    size: int = 0
    #: Where the first chunk ended.
    first: int = 0
    hash: Any = field(default_factory=hashlib.sha256)
    content: bytearray = field(default_factory=bytearray)


@dataclass(kw_only=True)
class Stored:
    """A blob."""

    size: int
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a request meets in place of its true answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    code: str = "UNKNOWN"
    message: str = "on demand"
    #: The request is carried out, and then nobody is told.
    loses_answer: bool = False


LOSES_ANSWER = Planned(status=0, loses_answer=True)


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
