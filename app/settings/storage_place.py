"""One reading of where files are kept: a folder, or a bucket that speaks S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

S3 = "s3://"
#: Source: Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: Before keys, which have 512 characters at most; S3 takes 1,024.
_PREFIX = re.compile(r"(?=.{1,256}\Z)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class UnusableStoragePlace(ValueError):
    """Raised for what names neither a folder nor a bucket."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: write the path of a folder, or s3://bucket/prefix")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket, and what stands before the keys of our files in it."""

    name: str
    prefix: str

    def key(self, key: str) -> str:
        """`key` as it is called in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key


def parse(text: str) -> Path | Bucket:
    """Where `text` says that files are kept. Raises `UnusableStoragePlace`."""
    if text.startswith(S3):
        return _bucket(text.removeprefix(S3))
    if _SCHEME.match(text):
        raise UnusableStoragePlace(f"{text.partition('://')[0]}:// is not known")
    if not text.strip() or not text.isprintable():
        raise UnusableStoragePlace("the path of the folder is empty or has characters that cannot be seen")
    return Path(text)


def _bucket(text: str) -> Bucket:
    name, _, prefix = text.removesuffix("/").partition("/")
    if not _BUCKET.fullmatch(name):
        raise UnusableStoragePlace(f'"{name}" is no name of a bucket')
    if prefix and not _PREFIX.fullmatch(prefix):
        raise UnusableStoragePlace(
            "the prefix in the bucket may have 256 letters, digits, dots, hyphens, underscores and slashes"
        )
    return Bucket(name=name, prefix=prefix)


def _checked(text: str) -> str:
    try:
        parse(text)
    except UnusableStoragePlace as error:
        # Braces are for values of pydantic's own.
        raise PydanticCustomError("setting", "{sentence}", {"sentence": str(error)}) from None
    return text


StoragePlace = Annotated[str, AfterValidator(_checked)]
