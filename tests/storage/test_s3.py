"""Files in a bucket: no parts are left, and each failure is one sentence."""

from __future__ import annotations

import threading
import tracemalloc
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.storage import s3_calls
from app.storage.errors import FileChanged, NoSuchFile, StoreAway, StoreFull, StoreRefuses
from app.storage.s3 import PART
from app.storage.stores import store
from tests.fakes.aws import AwsServer, Fault
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.errors import GroundworkError

MIB = 1024 * 1024
LARGE = PART + 1


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between attempts there are pauses."""
    monkeypatch.setattr(s3_calls, "ATTEMPTS", 1)


def parts_left(aws: AwsServer, bucket: str) -> list[Any]:
    return list(aws.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def test_a_client_is_made_once_for_the_same_settings(bucket: str, configure: Callable[..., None]) -> None:
    before = store()
    assert store() is before
    configure(storage="s3://another-bucket")
    assert store() is not before


def test_files_are_below_the_prefix(aws: AwsServer, bucket: str) -> None:
    store().put("a/file", [b"x"], limit=1)
    found = aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in found] == ["own/a/file"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=403, code="AccessDenied"), StoreRefuses),
        (Fault(status=404, code="NoSuchBucket"), StoreRefuses),
        (Fault(status=503, code="SlowDown"), StoreAway),
        (Fault(status=500, code="InternalError"), StoreAway),
        (Fault(status=507, code="XMinioStorageFull"), StoreFull),
        (Fault(loses_answer=True), StoreAway),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_what_the_server_says_is_one_sentence_without_a_name(
    aws: AwsServer, bucket: str, fault: Fault, error: type[GroundworkError]
) -> None:
    aws.faults.append(fault)
    with pytest.raises(error) as caught:
        store().put("file", [b"x"], limit=1)
    assert caught.value.status == 503
    assert bucket not in str(caught.value)
    assert str(aws.url.rpartition(":")[2]) not in str(caught.value)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_call_that_fails_leaves_no_parts(aws: AwsServer, bucket: str, at: int) -> None:
    """Of begin, two parts, and complete."""
    calls = iter(range(10))

    class Faults(list[Fault]):
        def pop(self, index: Any = -1) -> Fault:
            super().pop(index)
            return Fault(status=500, code="InternalError")

        def __bool__(self) -> bool:
            return next(calls) == at

    aws.faults = Faults([Fault()])
    try:
        with pytest.raises(StoreAway):
            store().put("file", [bytes(LARGE)], limit=LARGE)
    finally:
        aws.faults = []
    assert parts_left(aws, bucket) == []
    with pytest.raises(NoSuchFile):
        store().found("file")


def test_a_call_that_was_carried_out_unheard_is_repeated(
    aws: AwsServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_calls, "ATTEMPTS", 2)
    for content in (b"x", bytes(LARGE)):
        calls = aws.calls
        store().put("first", [content], limit=LARGE)
        needed = aws.calls - calls
        for lost in {0, needed - 1}:
            # All calls before the last are answered.
            aws.faults = _nth(lost, Fault(loses_answer=True))
            assert store().put("file", [content], limit=LARGE).size == store().size("file") == len(content)
            assert not aws.faults


def _nth(number: int, fault: Fault) -> list[Fault]:
    class Faults(list[Fault]):
        waiting = number

        def __bool__(self) -> bool:
            self.waiting -= 1
            return self.waiting < 0 and len(self) > 0

    return Faults([fault])


def test_a_file_that_is_replaced_while_it_is_read_is_said(bucket: str) -> None:
    store().put("file", [b"before"], limit=6)
    tag = store().found("file").tag
    store().put("file", [b"after"], limit=5)
    for start in (0, 100):
        with pytest.raises(FileChanged):
            store().chunks("file", tag=tag, start=start)


def test_a_url_of_the_bucket_gives_the_file_as_it_says(bucket: str) -> None:
    store().put("file", [b"content"], limit=7)
    url = store().url(
        "file",
        disposition="attachment; filename*=UTF-8''%C3%A4.pdf",
        media_type="application/pdf",
        expires=timedelta(minutes=5),
    )
    assert url is not None
    assert "X-Amz-Expires=300" in url
    answer = httpx.get(url, headers={"Range": "bytes=0-3"})
    assert answer.content == b"cont"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A4.pdf"
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_server_that_is_not_there_is_said(bucket: str, configure: Callable[..., None]) -> None:
    port = free_port()
    configure(storage_endpoint_url=f"http://127.0.0.1:{port}")
    with pytest.raises(StoreAway, match="Try again") as caught:
        store().check()
    assert str(port) not in str(caught.value)
    with pytest.raises(StoreAway):
        store().found("file")


def test_credentials_that_are_missing_are_said(
    bucket: str, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws_access_key_id="", aws_secret_access_key="")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreRefuses, match="no credentials"):
        store().check()
    with pytest.raises(StoreRefuses, match="no credentials"):
        store().url("a", disposition="attachment", media_type="a/b", expires=timedelta(1))


def test_a_file_of_many_parts_needs_little_memory(configure: Callable[..., None]) -> None:
    with _forgetful() as url:
        configure(
            storage="s3://bucket/prefix",
            storage_endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        # The client has descriptions of all operations in memory, whatever it sends.
        store().put("small", [b"x"], limit=1)
        block = bytes(MIB)
        tracemalloc.start()
        try:
            stored = store().put("file", (block for _ in range(80)), limit=80 * MIB)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert stored.size == 80 * MIB
    assert most < 32 * MIB


@contextmanager
def _forgetful() -> Iterator[str]:
    """S3 as far as a large put needs it, which keeps nothing: moto, in this process, would keep all."""

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            left = int(self.headers.get("content-length", 0))
            while left:
                left -= len(self.rfile.read(min(left, 64 * 1024)))
            body = b"<R><UploadId>1</UploadId></R>" if self.command == "POST" else b""
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST  # noqa: N815 (http.server names them)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a test's output is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
