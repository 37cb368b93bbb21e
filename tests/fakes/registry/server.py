"""What the registry has, and what the next requests meet."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.fakes.registry.facts import PASSWORD, USER, Planned, Stored, Upload, basic
from tests.fakes.registry.handler import handler_of

if TYPE_CHECKING:
    from collections.abc import Callable


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
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler_of(self))
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
