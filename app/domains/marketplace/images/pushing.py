"""Pushes an image: what is there is not sent, what is elsewhere is mounted, the rest goes by chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domains.marketplace.images.errors import PushCancelled, TagTaken
from app.domains.marketplace.images.facts import Pushed
from app.domains.marketplace.images.registry import Repository, scopes_of
from app.domains.marketplace.images.requests import Pauses, Requests
from app.domains.marketplace.images.signing_in import Login, SignIn
from app.domains.marketplace.images.uploads import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.images.facts import Image


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where an image goes."""

    #: Of the registry, without a path: https://HOST.
    url: str
    repository: str
    #: None: the image is stored under its digest alone.
    tag: str | None = None
    login: Callable[[], Login | None] = lambda: None
    #: Another repository of the registry, which may have some of the blobs.
    mount_from: str | None = None
    #: A tag that is another image's is not moved.
    keeps_tags: bool = False


@dataclass(kw_only=True)
class _Progress:
    """Tells how many bytes of all are there; never fewer than before."""

    total: int
    tell: Callable[[int, int], None]
    _done: int = 0
    _reported: int = field(default=-1)

    def advanced(self, of_blob: int) -> None:
        now = self._done + of_blob
        if now > self._reported:
            self._reported = now
            self.tell(now, self.total)

    def finished(self, size: int) -> None:
        self._done += size
        self.advanced(0)


def push(
    image: Image,
    target: Target,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 (names say what they are)
    cancelled: Callable[[], bool] = lambda: False,
    pauses: Pauses | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Pushed:
    """Push an image; doing it again sends nothing.

    `progress` is told the bytes that are there and those of all blobs; `cancelled` is asked between chunks
    and in pauses. Raises `RegistryUnavailable`, `RegistryRefused`, `PushCancelled` and `UnusableArchive`.
    """
    sign_in = SignIn(login=target.login, scopes=scopes_of(target.repository, mounts_from=target.mount_from))
    requests = Requests(
        url=target.url, sign_in=sign_in, pauses=pauses or Pauses(), proceed=lambda: _proceed(cancelled)
    )
    repository = Repository(requests=requests, name=target.repository, chunk_bytes=chunk_bytes)
    reference = target.tag or image.digest
    there = repository.tagged(reference)
    told = _Progress(total=image.size, tell=progress)
    if there == image.digest:
        told.finished(image.size)
        return Pushed(digest=image.digest, present=image.size)
    if there and target.keeps_tags:
        raise TagTaken(repository=target.repository, tag=reference, digest=there)
    pushed = _blobs(image, repository, mount_from=target.mount_from, told=told)
    repository.put_manifest(image, reference=reference)
    return pushed


def _blobs(image: Image, repository: Repository, *, mount_from: str | None, told: _Progress) -> Pushed:
    present = mounted = 0
    for blob in image.blobs:
        if repository.has(blob):
            present += blob.size
        elif repository.put(blob, mount_from=mount_from, advanced=told.advanced):
            mounted += blob.size
        told.finished(blob.size)
    sent = repository.requests.sent
    return Pushed(digest=image.digest, sent=sent, present=present, mounted=mounted)


def _proceed(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise PushCancelled
