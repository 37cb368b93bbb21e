"""What can be wrong with an archive of an image, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.jobs.errors import PermanentError
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Of a list of what there is, so much is shown.
MAX_LISTED = 10
_AGAIN = "Save the image again with `docker save` or as an OCI layout."


class UnusableArchive(PermanentError):
    """Base of all that is wrong with an archive: no repetition mends it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unusable_archive"


class NotAnArchive(UnusableArchive):
    """Raised for what is neither a tar file nor a folder with an image in it."""

    code = "not_an_archive"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"This is no archive of an image: {problem}. {_AGAIN}")


class CompressedArchive(UnusableArchive):
    """Raised for an archive that would have to be unpacked as a whole before anything in it is found."""

    code = "compressed_archive"

    def __init__(self, *, kind: str, command: str) -> None:
        super().__init__(f"The archive is compressed ({kind}). Unpack it with `{command}` and send that.")


class UnsafeMember(UnusableArchive):
    """Raised for a member that no archive of an image has."""

    code = "unsafe_member"

    def __init__(self, *, name: str, problem: str) -> None:
        super().__init__(f"The member {quoted(name)} of the archive {problem}. {_AGAIN}")


class DamagedArchive(UnusableArchive):
    """Raised for an archive that ends too early, or whose headers make no sense."""

    code = "damaged_archive"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The archive is damaged: {problem}. Send it again, and compare its checksum.")


class TooManyOf(UnusableArchive):
    """Raised for more members or layers than an image has."""

    code = "too_many_parts"

    def __init__(self, *, what: str, limit: int) -> None:
        super().__init__(
            f"The archive has more than {limit} {what}. Save one image alone to it, with fewer layers (by a "
            "build of several stages)."
        )


class DocumentTooLarge(UnusableArchive):
    """Raised for an index, a manifest or a configuration that is far too large to be one."""

    code = "document_too_large"

    def __init__(self, *, name: str, size: int, limit: int) -> None:
        super().__init__(f"{quoted(name)} has {size} bytes, and {limit} are the most. Leave out annotations.")


class UnreadableDocument(UnusableArchive):
    """Raised for an index, a manifest or a configuration that does not say what it must."""

    code = "unreadable_document"

    def __init__(self, *, name: str, problem: str) -> None:
        super().__init__(f"{quoted(name)} cannot be read: {problem.rstrip('.')}. {_AGAIN}")


class MissingBlob(UnusableArchive):
    """Raised for a part that the manifest names and the archive does not have."""

    code = "missing_blob"

    def __init__(self, *, name: str) -> None:
        super().__init__(f"The archive lacks {quoted(name)}, which its manifest names. {_AGAIN}")


class WrongSize(UnusableArchive):
    """Raised for a part that is longer or shorter than the manifest says."""

    code = "wrong_size"

    def __init__(self, *, name: str, size: int, expected: int) -> None:
        super().__init__(f"{quoted(name)} has {size} bytes, and its manifest says {expected}. {_AGAIN}")


class WrongDigest(UnusableArchive):
    """Raised for a part whose content is not what its digest says."""

    code = "wrong_digest"

    def __init__(self, *, name: str, digest: str) -> None:
        super().__init__(f"The content of {quoted(name)} has the digest {digest}, which is another. {_AGAIN}")


class NoSuchImage(UnusableArchive):
    """Raised where it is not clear which image of an archive is meant."""

    code = "no_such_image"

    def __init__(self, *, tag: str, there: Iterable[str]) -> None:
        asked = f"no image {quoted(tag)}" if tag else "more than one image"
        super().__init__(
            f"The archive has {asked}; there are: {listed(there)}. Name one of them, or save one."
        )


class NoSuchPlatform(UnusableArchive):
    """Raised for an image that is there for several platforms, and not for the one that is wanted."""

    code = "no_such_platform"

    def __init__(self, *, wanted: str, there: Iterable[str]) -> None:
        super().__init__(
            f"The image is not there for {wanted}, but for: {listed(there)}. Build it with "
            f"--platform {wanted}, or save one platform alone."
        )


def listed(names: Iterable[str]) -> str:
    """The first of `names`, for a sentence."""
    all_names = sorted(set(names))
    shown = ", ".join(quoted(name) for name in all_names[:MAX_LISTED]) or "none with a name"
    left = len(all_names) - MAX_LISTED
    return f"{shown} and {left} more" if left > 0 else shown
