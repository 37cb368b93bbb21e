"""A registry of images: speaks the OCI distribution protocol, loses connections, and fails as it is told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

USER, PASSWORD = "AWS", "registry-password"
_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_BEGIN = re.compile(r"/v2/(.+)/blobs/uploads/")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([0-9a-f]+)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")
PART_BYTES = 64 * 1024


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


@dataclass(kw_only=True)
class FakeRegistry:
    """Listens on loopback from `start` to `close`."""

    port: int = 0
    #: How it wants to be signed in to: not at all, "basic" or "bearer".
    signs_in: str = ""
    password: str = PASSWORD
    keeps_tags: bool = False
    #: A registry of gigabytes keeps sizes alone.
    keeps_content: bool = True
    can_mount: bool = True
    #: As ECR's: the range that is told stays where the first chunk ended, and a chunk is answered by 201.
    is_like_ecr: bool = False
    least_chunk: int = 0
    #: After so many bytes of bodies, all in all, the connection is cut; each once.
    cuts: list[int] = field(default_factory=list)
    blobs: dict[str, dict[str, Stored]] = field(default_factory=lambda: defaultdict(dict))
    manifests: dict[str, dict[str, tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(dict))
    uploads: dict[str, Upload] = field(default_factory=dict)
    #: "PATCH /v2/..." of all requests, as they came.
    requests: list[str] = field(default_factory=list)
    #: By the method: what the next requests meet.
    plans: dict[str, list[Planned | Callable[[], object] | None]] = field(
        default_factory=lambda: defaultdict(list)
    )
    #: Tokens that are good.
    tokens: set[str] = field(default_factory=set)
    token_scopes: list[str] = field(default_factory=list)
    received: int = 0
    largest_body: int = 0
    #: Where an upload is said to go on; None: here.
    location: Callable[[str], str] = lambda path: path
    #: Called with repository, tag, manifest and digest of each that is stored.
    stored: Callable[[str, str, bytes, str], None] = lambda *given: None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> FakeRegistry:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, method: str, *steps: Planned | Callable[[], object] | None) -> None:
        """For each of the next requests by a method: what it meets, what comes first, or None."""
        self.plans[method] += steps

    def count(self, method: str) -> int:
        """How many requests by a method there were."""
        return sum(request.startswith(f"{method} ") for request in self.requests)

    def is_welcome(self, authorization: str) -> bool:
        """Whether a request may go on."""
        if self.signs_in == "basic":
            return authorization == basic(USER, self.password)
        return not self.signs_in or authorization.removeprefix("Bearer ") in self.tokens

    def image(self, repository: str, reference: str) -> dict[str, Any]:
        """The manifest of a tag or digest, if all that it names is there."""
        _, content = self.manifests[repository][reference]
        manifest: dict[str, Any] = json.loads(content)
        for part in (manifest["config"], *manifest["layers"]):
            assert self.blobs[repository][part["digest"]].size == part["size"]
        return manifest


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Cut(Exception):
    """The connection is gone."""


def _handler_of(fake: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            fake.requests.append(f"{self.command} {self.path}")
            steps = fake.plans[self.command]
            step = steps.pop(0) if steps else None
            if callable(step):
                step()
            if isinstance(step, Planned) and not step.loses_answer:
                self.skip_body()
                return self.refuse(step.status, step.code, step.message, **step.headers)
            self.loses_answer = isinstance(step, Planned)
            parts = urlsplit(self.path)
            self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/token":
                return self.token()
            if not fake.is_welcome(self.headers.get("authorization", "")):
                self.skip_body()
                return self.challenge()
            return self.route(parts.path)

        def route(self, path: str) -> None:
            begin = _BEGIN.fullmatch(path)
            if begin and self.command == "POST":
                return self.begin(begin[1])
            if (upload := _UPLOAD.fullmatch(path)) and self.command in {"PATCH", "PUT", "GET", "DELETE"}:
                return self.upload(upload[1], upload[2])
            if (blob := _BLOB.fullmatch(path)) and self.command == "HEAD":
                return self.head_blob(blob[1], blob[2])
            if (manifest := _MANIFEST.fullmatch(path)) and self.command in {"HEAD", "PUT"}:
                return self.manifest(manifest[1], manifest[2])
            self.skip_body()
            return self.refuse(404, "UNSUPPORTED", "there is nothing")

        def token(self) -> None:
            if self.headers.get("authorization") != basic(USER, fake.password):
                return self.refuse(401, "UNAUTHORIZED", "another password")
            token = secrets.token_hex(24)
            with fake.lock:
                fake.tokens.add(token)
            fake.token_scopes += parse_qs(urlsplit(self.path).query).get("scope", [])
            return self.answer(200, body=json.dumps({"token": token, "expires_in": 60}).encode())

        def challenge(self) -> None:
            told = f'realm="{fake.url}/token?of=fake",service="fake",scope="repository:x:pull"'
            kind = "Basic" if fake.signs_in == "basic" else "Bearer"
            return self.refuse(401, "UNAUTHORIZED", "sign in", **{"WWW-Authenticate": f"{kind} {told}"})

        def begin(self, repository: str) -> None:
            source, digest = self.query.get("from", ""), self.query.get("mount", "")
            with fake.lock:
                found = fake.blobs[source].get(digest) if fake.can_mount and source else None
                if found:
                    fake.blobs[repository][digest] = found
                    return self.answer(201, **{"Docker-Content-Digest": digest})
                name = secrets.token_hex(16)
                fake.uploads[name] = Upload(repository=repository)
            least = {"OCI-Chunk-Min-Length": str(fake.least_chunk)} if fake.least_chunk else {}
            return self.answer(202, Location=self.where(repository, name), Range="0-0", **least)

        def where(self, repository: str, name: str) -> str:
            return fake.location(f"/v2/{repository}/blobs/uploads/{name}?_state=a%2Fb%3D")

        def upload(self, repository: str, name: str) -> None:
            found = fake.uploads.get(name)
            if found is None:
                self.skip_body()
                return self.refuse(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
            state = {"Location": self.where(repository, name)}
            if self.command == "DELETE":
                fake.uploads.pop(name, None)
                return self.answer(204)
            if self.command == "GET":
                return self.answer(204, **state, Range=self.range(found))
            first = re.match(r"([0-9]+)-([0-9]+)$", self.headers.get("content-range", ""))
            if first and int(first[1]) != found.size:
                self.skip_body()
                return self.refuse(416, "RANGE_INVALID", "not there", **state, Range=self.range(found))
            self.take(found)
            if self.command == "PATCH":
                return self.answer(201 if fake.is_like_ecr else 202, **state, Range=self.range(found))
            return self.complete(repository, name, found)

        def range(self, upload: Upload) -> str:
            if fake.is_like_ecr:
                upload.first = upload.first or upload.size
                return f"0-{max(upload.first - 1, 0)}"
            return f"0-{max(upload.size - 1, 0)}"

        def take(self, upload: Upload) -> None:
            left = int(self.headers.get("content-length", 0))
            fake.largest_body = max(fake.largest_body, left)
            while left:
                until = min((cut for cut in fake.cuts if cut > fake.received), default=fake.received + left)
                part = self.rfile.read(min(left, PART_BYTES, until - fake.received))
                if not part:
                    raise _Cut
                left -= len(part)
                fake.received += len(part)
                upload.size += len(part)
                upload.hash.update(part)
                if fake.keeps_content:
                    upload.content += part
                if fake.received in fake.cuts:
                    fake.cuts.remove(fake.received)
                    raise _Cut

        def complete(self, repository: str, name: str, upload: Upload) -> None:
            digest = f"sha256:{upload.hash.hexdigest()}"
            if digest != self.query.get("digest"):
                return self.refuse(400, "DIGEST_INVALID", f"it is {digest}")
            with fake.lock:
                fake.uploads.pop(name, None)
                fake.blobs[repository][digest] = Stored(size=upload.size, content=bytes(upload.content))
            return self.answer(
                201, Location=f"/v2/{repository}/blobs/{digest}", **{"Docker-Content-Digest": digest}
            )

        def head_blob(self, repository: str, digest: str) -> None:
            found = fake.blobs[repository].get(digest)
            if found is None:
                return self.refuse(404, "BLOB_UNKNOWN", "no such blob")
            return self.answer(200, size=found.size, **{"Docker-Content-Digest": digest})

        def manifest(self, repository: str, reference: str) -> None:
            if self.command == "HEAD":
                found = fake.manifests[repository].get(reference)
                if found is None:
                    return self.refuse(404, "MANIFEST_UNKNOWN", "no such manifest")
                return self.answer(200, size=len(found[1]), **{"Docker-Content-Digest": found[0]})
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            digest = digest_of(content)
            there = fake.manifests[repository].get(reference)
            if there and fake.keeps_tags:
                said = f"The tag '{reference}' exists and cannot be overwritten because it is immutable."
                return self.refuse(400, "TAG_INVALID", said)
            manifest = json.loads(content)
            wanted = [part["digest"] for part in (manifest["config"], *manifest["layers"])]
            if any(one not in fake.blobs[repository] for one in wanted):
                return self.refuse(400, "MANIFEST_BLOB_UNKNOWN", "a blob is missing")
            with fake.lock:
                fake.manifests[repository][digest] = (digest, content)
                fake.manifests[repository][reference] = (digest, content)
            fake.stored(repository, reference, content, digest)
            return self.answer(201, **{"Docker-Content-Digest": digest})

        def skip_body(self) -> None:
            left = int(self.headers.get("content-length", 0))
            while left > 0 and (part := self.rfile.read(min(left, PART_BYTES))):
                left -= len(part)

        def refuse(self, status: int, code: str, message: str, **headers: str) -> None:
            body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
            return self.answer(status, body=body, **headers)

        def answer(self, status: int, *, body: bytes = b"", size: int | None = None, **headers: str) -> None:
            if getattr(self, "loses_answer", False):
                self.loses_answer = False
                raise _Cut
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if size is None else size))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            try:
                self.handle_one()
            except _Cut:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD  # noqa: N815 (http.server names them)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a test's output is the test's."""

    return Handler
