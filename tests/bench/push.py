"""What it costs to push an image: seconds, memory, and what three cuts of the connection send again.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.push [--mib 1024]

The archive is a stored file: an OCI layout in a tar file whose one layer is a hole of that size, so that
neither making nor reading it is what is measured. The registry is a process of its own that hashes what it
gets.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from app.domains.marketplace.images import archives
from app.domains.marketplace.images.pushing import Target, push
from app.domains.marketplace.images.requests import Pauses
from app.domains.marketplace.images.uploads import CHUNK_BYTES
from app.domains.marketplace.version_images.archive import BUFFER_BYTES
from app.domains.marketplace.version_images.stored_stream import StoredStream
from app.storage.local import LocalStore
from tests.domains.marketplace.images.samples import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    described,
    path_of,
)
from tests.fakes.registry import FakeRegistry, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

MIB = 1024 * 1024
KIB_PER_MIB = 1024
#: At which shares of the layer the connection is lost, and how far into a chunk.
CUTS, INTO_A_CHUNK = (0.2, 0.5, 0.8), 0.7


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One push: seconds, MiB of memory before and at most, and bytes that were sent in vain."""

    seconds: float
    before: float
    peak: float
    again: int


def archive(folder: Path, *, size: int) -> Path:
    """An archive with a layer of `size` zeros, of which none is on the disk."""
    zeros, digest = bytes(MIB), hashlib.sha256()
    for start in range(0, size, MIB):
        digest.update(zeros[: size - start])
    name = f"sha256:{digest.hexdigest()}"
    layer = {"mediaType": LAYER_TYPE, "digest": name, "size": size}
    config = b"{}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(config, CONFIG_TYPE),
            "layers": [layer],
        }
    ).encode()
    files = {
        "oci-layout": b"{}",
        "index.json": json.dumps({"manifests": [described(manifest, MANIFEST_TYPE)]}).encode(),
        path_of(digest_of(manifest)): manifest,
        path_of(digest_of(config)): config,
    }
    path = folder / "image.tar"
    with path.open("wb") as stream:
        for file, content in files.items():
            info = tarfile.TarInfo(file)
            info.size = len(content)
            stream.write(info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE))
        info = tarfile.TarInfo(path_of(name))
        info.size = size
        stream.write(info.tobuf(tarfile.PAX_FORMAT))
        stream.truncate(stream.tell() + size + -size % tarfile.BLOCKSIZE)
    return path


def _serve(told: Connection, *, cuts: list[int]) -> None:
    registry = FakeRegistry(keeps_content=False, cuts=cuts).start()
    told.send(registry.url)
    told.recv()
    told.send(registry.received)
    registry.close()


@contextmanager
def served(*, cuts: list[int]) -> Iterator[tuple[str, Connection]]:
    """A registry in a process of its own: where it is, and whom to ask how much came."""
    context = get_context("spawn")
    own, other = context.Pipe()
    process = context.Process(target=_serve, args=(other,), kwargs={"cuts": cuts})
    process.start()
    yield own.recv(), own
    process.join()


def cut_at(size: int) -> list[int]:
    """After how many bytes the connection is lost."""
    into = int(CHUNK_BYTES * INTO_A_CHUNK)
    return [int(size * share) // CHUNK_BYTES * CHUNK_BYTES + into for share in CUTS]


def measured(path: Path, *, size: int, cuts: list[int]) -> Measured:
    """Push it once, with the connection cut at these bytes."""
    with served(cuts=cuts) as (url, registry):
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the most begins with what is now
        began = time.perf_counter()
        stored = StoredStream(LocalStore(path.parent), path.name)
        with io.BufferedReader(stored, BUFFER_BYTES) as stream, archives.opened(stream) as image:
            done = push(
                image,
                Target(url=url, repository="bench/app", tag="1.0"),
                pauses=Pauses(first=timedelta(milliseconds=10)),
            )
            total = image.size
        seconds = time.perf_counter() - began
        registry.send(None)
        assert registry.recv() >= size
    return Measured(
        seconds=seconds, before=before, peak=_memory("VmHWM"), again=done.sent - total - len(image.manifest)
    )


def _memory(name: str) -> float:
    """Of this process, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / KIB_PER_MIB


def main() -> None:
    """Push an image without cuts and with three."""
    parser = argparse.ArgumentParser(description="Measure pushing an image.")
    parser.add_argument("--mib", type=int, default=1024, help="MiB of its layer")
    size = parser.parse_args().mib * MIB
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder), size=size)
        measured(
            archive(Path(tempfile.mkdtemp(dir=folder)), size=MIB), size=MIB, cuts=[]
        )  # it loads the client
        for cuts in ([], cut_at(size)):
            found = measured(path, size=size, cuts=cuts)
            print(
                f"{len(cuts)} cuts: {found.seconds:6.1f} s, {size / MIB / found.seconds:5.0f} MiB/s, memory "
                f"{found.before:.0f} to {found.peak:.0f} MiB, {found.again / MIB:.1f} MiB sent again"
            )


if __name__ == "__main__":
    main()
