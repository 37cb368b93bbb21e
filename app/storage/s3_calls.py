"""Calls of S3 whose failures are sorted, each bounded in time.

All that is called may be called twice, so that botocore repeats what was not answered. Of two beginnings of a
large file one is left empty, for the bucket's life cycle.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from app.logs.masking import excerpt
from app.storage.errors import FileChanged, NoSuchFile, StoreAway, StoreFull, StoreRefuses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.errors import GroundworkError

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = timedelta(seconds=5)
#: Of a silence; a part of a large file may be on its way for longer.
READ_TIMEOUT = timedelta(seconds=30)
ATTEMPTS = 3
_ABSENT = frozenset({"NoSuchKey", "NotFound", "404", "NoSuchUpload"})
_CHANGED = frozenset({"PreconditionFailed", "412"})
#: What servers other than Amazon's say without room.
_FULL = frozenset({"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"})
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


class S3Client:
    """A client of one bucket."""

    def __init__(
        self, *, bucket: str, region: str, endpoint_url: str, access_key_id: str, secret_access_key: str
    ) -> None:
        import boto3
        from botocore.config import Config

        self._bucket = bucket
        self._client = boto3.client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url or None,
            aws_access_key_id=access_key_id or None,
            aws_secret_access_key=secret_access_key or None,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT.total_seconds(),
                read_timeout=READ_TIMEOUT.total_seconds(),
                retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                signature_version="s3v4",
                # Other servers have no names of their own for buckets.
                s3={"addressing_style": "path" if endpoint_url else "auto"},
                # Content-MD5 is what all servers check.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def call(self, operation: str, *, of: str = "", **arguments: Any) -> Any:
        """Call an operation; `of` is the key that its failure is about."""
        from botocore import exceptions

        try:
            return getattr(self._client, operation)(Bucket=self._bucket, **arguments)
        except exceptions.ClientError as error:
            raise _sorted(error, key=of, operation=operation) from None
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
            raise StoreRefuses(said="no credentials of AWS are set") from None
        except exceptions.BotoCoreError as error:
            raise _away(error, operation=operation) from None

    def body_of(self, stream: Any, *, size: int) -> Iterator[bytes]:
        """What an answer brings, in pieces of `size`."""
        from botocore import exceptions
        from urllib3.exceptions import HTTPError

        try:
            yield from stream.iter_chunks(size)
        except (exceptions.BotoCoreError, HTTPError, OSError) as error:
            raise _away(error, operation="get_object") from None
        finally:
            stream.close()

    def presigned(self, *, key: str, seconds: int, **answer: str) -> str:
        """A URL that gives one file for so long; nothing is asked of the server for it."""
        from botocore import exceptions

        wanted = {"Bucket": self._bucket, "Key": key, **answer}
        try:
            return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
            raise StoreRefuses(said="no credentials of AWS are set") from None


def digest(part: bytes | bytearray) -> str:
    """As Content-MD5 has it, against what a network makes of a part."""
    return base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()


def _sorted(error: Any, *, key: str, operation: str) -> GroundworkError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    answered = error.response.get("Error", {})
    code = str(answered.get("Code", ""))
    if key and code in _ABSENT:
        return NoSuchFile(key=key)
    if code in _CHANGED:
        return FileChanged(key=key)
    log.warning("storage_failed", operation=operation, code=code, error=excerpt(answered.get("Message", "")))
    if code in _FULL:
        return StoreFull()
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
        return StoreAway(said=excerpt(code))
    return StoreRefuses(said=excerpt(code))


def _away(error: Exception, *, operation: str) -> StoreAway:
    # The endpoint stands in what they say, and that is for the log alone.
    log.warning("storage_failed", operation=operation, error=excerpt(error))
    return StoreAway(said=type(error).__name__)
