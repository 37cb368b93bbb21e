"""What a repository is asked about a blob: whether it is there, to mount it, and to begin an upload of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.domains.marketplace.images.errors import DigestDisagrees

if TYPE_CHECKING:
    from app.domains.marketplace.images.requests import Requests
    from app.outbound.bounded_http import Reply


def uploads_of(repository: str) -> str:
    """The path under which uploads begin."""
    return f"/v2/{repository}/blobs/uploads/"


def begin(requests: Requests, repository: str, **mount: str) -> Reply:
    """The answer to the request for an upload: 202 with a `Location`, or 201 where a blob was mounted."""
    doing = f"begin an upload to {repository}"
    reply = requests.ask("POST", uploads_of(repository), doing=doing, params=mount or None)
    if reply.status not in (HTTPStatus.ACCEPTED, HTTPStatus.CREATED):
        raise requests.refusal(reply, doing=doing)
    return reply


def is_there(requests: Requests, repository: str, digest: str) -> bool:
    """Whether a repository has the blob of that digest."""
    doing = f"say whether it has {digest}"
    reply = requests.ask("HEAD", f"/v2/{repository}/blobs/{digest}", doing=doing)
    if reply.status == HTTPStatus.NOT_FOUND:
        return False
    # Some send to the store where the blob is: then it is there.
    if not reply.is_success and reply.status != HTTPStatus.TEMPORARY_REDIRECT:
        raise requests.refusal(reply, doing=doing)
    check_digest(requests, reply, digest)
    return True


def check_digest(requests: Requests, reply: Reply, digest: str) -> None:
    """Raise if the registry says that it has something else."""
    told = reply.headers.get("docker-content-digest", digest)
    # By another algorithm it may be the same.
    if told != digest and told.startswith("sha256:"):
        raise DigestDisagrees(registry=requests.name, digest=digest, told=told)
