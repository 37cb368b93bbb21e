"""Images in archives: an OCI image layout (folder or tar file) or what `docker save` wrote (tar file)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from app.domains.marketplace.images import docker_save, files, layouts
from app.domains.marketplace.images.archive_errors import NotAnArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domains.marketplace.images.facts import Image


@contextmanager
def opened(
    archive: Path | BinaryIO, *, tag: str = "", proceed: Callable[[], None] = lambda: None
) -> Iterator[Image]:
    """The image of that tag in a file, a folder, or a stream that can be read from any place.

    Its blobs are read where they are, while this is open. `proceed` is called now and then, and may raise.
    Raises `UnusableArchive`.
    """
    with files.opened(archive) as found:
        if layouts.is_layout(found):
            yield layouts.image(found, tag=tag)
        elif docker_save.is_saved(found):
            yield docker_save.image(found, tag=tag, proceed=proceed)
        else:
            raise NotAnArchive(
                problem=f"it has neither {layouts.MARKER} and {layouts.INDEX} nor {docker_save.MANIFEST}"
            )
