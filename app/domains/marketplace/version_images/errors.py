"""What can go wrong with the image of a version, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict
from app.jobs.errors import PermanentError, RetryableError
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from app.domains.marketplace.catalog.models import ModelVersion

#: Of a list of what there is, so much is shown.
MAX_LISTED = 10


class NoArchive(Conflict):
    """Raised where there is nothing to push."""

    code = "no_archive"

    def __init__(self, *, model_id: int, version_id: int | None = None) -> None:
        whose = f"Version {version_id}" if version_id else f"No version of model {model_id}"
        has = "has no archive" if version_id else "has an archive"
        super().__init__(
            f"{whose} {has} of an image. Send one to PUT /api/v1/marketplace/models/{model_id}/versions/"
            f"{version_id or 'ID'}/image."
        )


class ArchiveLost(PermanentError):
    """Raised when the archive of a version is no longer where files are kept."""

    code = "archive_lost"

    def __init__(self, *, version_id: int) -> None:
        super().__init__(
            f"The archive of version {version_id} is gone from where files are kept. Send it again."
        )


class VersionUnclear(Conflict):
    """Raised when a tag does not say which of several versions is meant."""

    code = "version_unclear"

    def __init__(self, *, model_id: int, tag: str, versions: Sequence[ModelVersion]) -> None:
        some = ", ".join(f"{one.version} (id {one.id})" for one in versions[:MAX_LISTED])
        more = ", and more" if len(versions) > MAX_LISTED else ""
        super().__init__(
            f"Model {model_id} has archives of several versions, and {quoted(tag)} is the tag of none: "
            f"{some}{more}. Say by version_id which is meant."
        )


class OtherImage(PermanentError):
    """Raised for an image that is not the one that buyers of a version have."""

    code = "other_image"

    def __init__(self, *, version_id: int, pushed: str, digest: str) -> None:
        super().__init__(
            f"Version {version_id} is published with the image {pushed}, and under this tag the archive has "
            f"{digest}. Make another version for it."
        )


class NotPushed(Conflict):
    """Raised where there is nothing to scan."""

    code = "not_pushed"

    def __init__(self, *, model_id: int, version_id: int | None = None) -> None:
        whose = f"The image of version {version_id}" if version_id else f"No image of model {model_id}"
        isnt = "is not" if version_id else "is"
        super().__init__(f"{whose} {isnt} in the registry. Push it first.")


class ReplacedMeanwhile(RetryableError):
    """Raised when a version has got another archive or image since the job began."""

    code = "replaced_meanwhile"

    def __init__(self, *, version_id: int) -> None:
        super().__init__(f"Version {version_id} has got another image meanwhile. That one is taken next.")


class ArchiveDiffers(PermanentError):
    """Raised when the archive that is to be scanned does not have the image that was pushed."""

    code = "archive_differs"

    def __init__(self, *, version_id: int, digest: str, pushed: str) -> None:
        super().__init__(
            f"The archive of version {version_id} has the image {digest}, and {pushed} was pushed. Push it "
            "again, and then have it scanned."
        )


class ScanUnfinished(RetryableError):
    """Raised while a scan goes on at the registry; nobody waits for it in between."""

    code = "scan_unfinished"

    def __init__(self, *, digest: str, since: datetime, after: timedelta) -> None:
        super().__init__(
            f"Amazon ECR has not finished the scan of {digest} that was asked for at {since:%Y-%m-%d %H:%M} "
            "UTC. If it never does, set GROUNDWORK_TRIVY_PATH and have the image scanned again.",
            after=after,
        )
