"""A repository of a registry (the OCI distribution protocol): is it there, mount it, upload it, tag it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.domains.marketplace.images import blobs
from app.domains.marketplace.images.errors import AccessDenied, InvalidReference, TagTaken
from app.domains.marketplace.images.uploads import CHUNK_BYTES, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.images.facts import Blob, Image
    from app.domains.marketplace.images.requests import Requests
    from app.outbound.bounded_http import Reply

#: Source: OCI distribution specification, "Pulling manifests".
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
MAX_REPOSITORY = 255
_ACCEPTED = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
#: How registries say that a tag cannot be moved: a code of their own, or a word in a sentence.
_TAKEN = re.compile(r"immutab|ImageTagAlreadyExists", re.IGNORECASE)
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.METHOD_NOT_ALLOWED)


def scopes_of(repository: str, *, mounts_from: str | None = None) -> tuple[str, ...]:
    """What a token must be good for to push there, as Docker's token protocol says it."""
    scope = (f"repository:{repository}:pull,push",)
    return scope if mounts_from is None else (*scope, f"repository:{mounts_from}:pull")


@dataclass(kw_only=True)
class Repository:
    """A repository, and what it is asked with."""

    requests: Requests
    name: str
    chunk_bytes: int = CHUNK_BYTES

    def __post_init__(self) -> None:
        if len(self.name) > MAX_REPOSITORY or not _REPOSITORY.fullmatch(self.name):
            raise InvalidReference(
                what="the name of a repository",
                value=self.name,
                wanted="use small letters, digits and single . _ - between them, with / between parts",
            )

    def tagged(self, tag: str) -> str | None:
        """The digest of the image of that tag or digest; None where there is none."""
        doing = f"say what {self.name}:{tag} is"
        path = self._manifest(tag)
        reply = self.requests.ask("HEAD", path, doing=doing, headers={"Accept": _ACCEPTED})
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if not reply.is_success:
            raise self.requests.refusal(reply, doing=doing)
        return reply.headers.get("docker-content-digest", "")

    def has(self, blob: Blob) -> bool:
        """Whether the blob is there."""
        return blobs.is_there(self.requests, self.name, blob.digest)

    def put(self, blob: Blob, *, mount_from: str | None, advanced: Callable[[int], None]) -> bool:
        """Bring the blob there; whether it was mounted from another repository, and not one byte sent."""
        begun = self._begun(blob, mount_from=mount_from)
        if begun.status == HTTPStatus.CREATED:
            blobs.check_digest(self.requests, begun, blob.digest)
            return True
        Upload(
            requests=self.requests,
            repository=self.name,
            blob=blob,
            advanced=advanced,
            chunk_bytes=self.chunk_bytes,
        ).run(begun)
        return False

    def _begun(self, blob: Blob, *, mount_from: str | None) -> Reply:
        if mount_from is not None:
            # Who may not read there still sends the blob.
            with suppress(AccessDenied):
                return blobs.begin(self.requests, self.name, mount=blob.digest, **{"from": mount_from})
        return blobs.begin(self.requests, self.name)

    def put_manifest(self, image: Image, *, reference: str) -> None:
        """Store the manifest under a tag or its digest. Raises `TagTaken`."""
        doing = f"take the manifest of {self.name}:{reference}"
        reply = self.requests.ask(
            "PUT",
            self._manifest(reference),
            doing=doing,
            headers={"Content-Type": image.media_type},
            content=image.manifest,
        )
        if reply.status != HTTPStatus.CREATED:
            self._refuse(reply, doing=doing, image=image, reference=reference)
        blobs.check_digest(self.requests, reply, image.digest)

    def _refuse(self, reply: Reply, *, doing: str, image: Image, reference: str) -> None:
        """Raise, unless the tag cannot be moved because it is the image's already."""
        refusal = self.requests.refusal(reply, doing=doing)
        if reply.status not in _REFUSED or not _TAKEN.search(str(refusal)):
            raise refusal
        there = self.tagged(reference)
        if there != image.digest:
            raise TagTaken(repository=self.name, tag=reference, digest=there)

    def _manifest(self, reference: str) -> str:
        if not reference.startswith("sha256:") and not _TAG.fullmatch(reference):
            raise InvalidReference(
                what="a tag",
                value=reference,
                wanted="use up to 128 letters, digits and . _ -, not . or - first",
            )
        return f"/v2/{self.name}/manifests/{reference}"
