"""What can go wrong with registries and scanners, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import GroundworkError
from app.jobs.errors import PermanentError, RetryableError
from app.logs import masking
from app.values.text import quoted

if TYPE_CHECKING:
    from datetime import timedelta


class RegistryUnavailable(RetryableError):
    """Raised when a registry or the way there is down, or asks for a pause."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "registry_unavailable"

    def __init__(self, sentence: str, *, after: timedelta | None = None) -> None:
        super().__init__(masking.sentence(sentence), after=after)


class RegistryRefused(PermanentError):
    """Raised when a registry will never do what it was asked; `reason` is its own code for why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "registry_refused"

    def __init__(self, sentence: str, *, reason: str = "") -> None:
        super().__init__(masking.sentence(sentence))
        self.reason = reason


class AccessDenied(RegistryRefused):
    """Raised when the registry does not let this account do it."""

    code = "registry_access_denied"

    def __init__(self, *, registry: str, doing: str, said: str) -> None:
        super().__init__(
            f"{registry} does not let this account {doing} ({said}). Give it the right to push to the "
            "repository."
        )


class TagTaken(RegistryRefused):
    """Raised for a tag that is another image's and cannot be moved."""

    code = "tag_taken"

    def __init__(self, *, repository: str, tag: str, digest: str | None = None) -> None:
        whose = f"the image {digest}" if digest else "another image"
        super().__init__(
            f"The tag {quoted(tag)} of {quoted(repository)} belongs to {whose}, and tags cannot be moved "
            "there. Push under a new tag."
        )


class LeadsElsewhere(RegistryRefused):
    """Raised for an answer that leads to another server: neither credentials nor layers go there."""

    code = "registry_leads_elsewhere"

    def __init__(self, *, registry: str, location: str) -> None:
        super().__init__(
            f"{registry} answers that the upload goes on at {quoted(location)}, which is another server and "
            "gets nothing. Set the registry to the address by which it knows itself."
        )


class DigestDisagrees(RegistryRefused):
    """Raised when a registry has stored something else than what was sent."""

    code = "registry_digest_disagrees"

    def __init__(self, *, registry: str, digest: str, told: str) -> None:
        super().__init__(
            f"{registry} says that {digest} is {quoted(told)}. Something on the way changes what is sent: "
            "look at the proxies between here and there."
        )


class NeverFinished(RegistryUnavailable):
    """Raised when an upload was begun several times and came to no end."""

    code = "upload_never_finished"

    def __init__(self, *, registry: str, digest: str, times: int) -> None:
        super().__init__(f"{registry} lost the upload of {digest} {times} times. It is sent again later.")


class PushCancelled(GroundworkError):
    """Raised when pushing was stopped between two chunks."""

    status = HTTPStatus.CONFLICT
    code = "push_cancelled"

    def __init__(self) -> None:
        super().__init__(
            "Pushing was cancelled. What is in the registry by now is not sent again the next time."
        )


class InvalidReference(RegistryRefused):
    """Raised for what no registry takes as the name of a repository or a tag."""

    code = "invalid_reference"

    def __init__(self, *, what: str, value: str, wanted: str) -> None:
        super().__init__(f"{quoted(value)} cannot be {what}: {wanted}.")


class ScanUnavailable(RetryableError):
    """Raised when a scanner is down, or did not end well in a way that time may mend."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "scan_unavailable"

    def __init__(self, sentence: str) -> None:
        super().__init__(masking.sentence(sentence))


class ScanImpossible(PermanentError):
    """Raised for an image that a scanner does not scan."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "scan_impossible"

    def __init__(self, sentence: str) -> None:
        super().__init__(masking.sentence(sentence))


class ScanFailed(ScanImpossible):
    """Raised when a scan of Amazon ECR's has failed, which it does not repeat by itself."""

    code = "scan_failed"

    def __init__(self, *, said: str) -> None:
        super().__init__(
            f"Amazon ECR could not scan the image: {said.rstrip('.')}. It scans an image again after 24 "
            "hours; or set up Trivy to scan it."
        )
