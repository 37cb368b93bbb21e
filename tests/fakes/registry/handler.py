"""Takes the requests of the distribution protocol, and answers or cuts them off."""

from __future__ import annotations

import json
import re
import secrets
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.registry.facts import USER, Planned, Stored, Upload, basic, digest_of

if TYPE_CHECKING:
    from tests.fakes.registry.server import FakeRegistry

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_BEGIN = re.compile(r"/v2/(.+)/blobs/uploads/")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([0-9a-f]+)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")
PART_BYTES = 64 * 1024


class _Cut(Exception):
    """The connection is gone."""


def handler_of(fake: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            fake.requests.append(f"{self.command} {self.path}")
            steps = fake.plans[self.command]
            step = steps.pop(0) if steps else None
            if callable(step):
                step()
            if isinstance(step, Planned) and not step.loses_answer:
                self.skip_body()
                return self.refuse(step.status, step.code, step.message, step.headers)
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
            return self.refuse(401, "UNAUTHORIZED", "sign in", {"WWW-Authenticate": f"{kind} {told}"})

        def begin(self, repository: str) -> None:
            source, digest = self.query.get("from", ""), self.query.get("mount", "")
            with fake.lock:
                found = fake.blobs[source].get(digest) if fake.can_mount and source else None
                if found:
                    fake.blobs[repository][digest] = found
                    return self.answer(201, {"Docker-Content-Digest": digest})
                name = secrets.token_hex(16)
                fake.uploads[name] = Upload(repository=repository)
            least = {"OCI-Chunk-Min-Length": str(fake.least_chunk)} if fake.least_chunk else {}
            return self.answer(202, {"Location": self.where(repository, name), "Range": "0-0", **least})

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
                return self.answer(204, {**state, "Range": self.range(found)})
            first = re.match(r"([0-9]+)-([0-9]+)$", self.headers.get("content-range", ""))
            if first and int(first[1]) != found.size:
                self.skip_body()
                return self.refuse(416, "RANGE_INVALID", "not there", {**state, "Range": self.range(found)})
            self.take(found)
            if self.command == "PATCH":
                return self.answer(201 if fake.is_like_ecr else 202, {**state, "Range": self.range(found)})
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
            place = f"/v2/{repository}/blobs/{digest}"
            return self.answer(201, {"Location": place, "Docker-Content-Digest": digest})

        def head_blob(self, repository: str, digest: str) -> None:
            found = fake.blobs[repository].get(digest)
            if found is None:
                return self.refuse(404, "BLOB_UNKNOWN", "no such blob")
            return self.answer(200, {"Docker-Content-Digest": digest}, size=found.size)

        def manifest(self, repository: str, reference: str) -> None:
            if self.command == "HEAD":
                found = fake.manifests[repository].get(reference)
                if found is None:
                    return self.refuse(404, "MANIFEST_UNKNOWN", "no such manifest")
                return self.answer(200, {"Docker-Content-Digest": found[0]}, size=len(found[1]))
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
            return self.answer(201, {"Docker-Content-Digest": digest})

        def skip_body(self) -> None:
            left = int(self.headers.get("content-length", 0))
            while left > 0 and (part := self.rfile.read(min(left, PART_BYTES))):
                left -= len(part)

        def refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
            body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
            return self.answer(status, headers, body=body)

        def answer(
            self,
            status: int,
            headers: dict[str, str] | None = None,
            *,
            body: bytes = b"",
            size: int | None = None,
        ) -> None:
            if getattr(self, "loses_answer", False):
                self.loses_answer = False
                raise _Cut
            self.send_response(status)
            for name, value in (headers or {}).items():
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
