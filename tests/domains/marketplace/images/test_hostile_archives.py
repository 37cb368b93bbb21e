"""Archives that are made to mislead: each is refused in one sentence, before anything is sent."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.images import archives, documents, layouts, tar_headers
from app.domains.marketplace.images.archive_errors import UnusableArchive
from tests.domains.marketplace.images.samples import (
    Layout,
    as_json,
    described,
    digest_of,
    member,
    noise,
    path_of,
    saved,
    tar_of,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

LAYER = noise(3_000)


def read_all(archive: Path | BinaryIO, *, tag: str) -> None:
    with archives.opened(archive, tag=tag) as image:
        for blob in image.blobs:
            blob.read(0, blob.size)


def refusal(archive: Path | BinaryIO, *, tag: str = "") -> str:
    """Why an archive is refused: one sentence or two in a line, whatever is in it."""
    with pytest.raises(UnusableArchive) as refused:
        read_all(archive, tag=tag)
    said = str(refused.value)
    assert said.isprintable()
    assert len(said) < 2_000
    assert said.endswith(".")
    return said


def usual() -> dict[str, bytes]:
    layout = Layout()
    layout.image(LAYER)
    return layout.all_files()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../outside", "leads out of it"),
        ("blobs/../../outside", "leads out of it"),
        ("/etc/passwd", "leads out of it"),
        ("a" * 2_000, "too long"),
        ("new\nline", "cannot be printed"),
        ("\u202eright-to-left", "cannot be printed"),
    ],
)
def test_a_member_that_is_not_inside_spoils_the_archive(name: str, problem: str) -> None:
    assert problem in refusal(tar_of(usual(), member(name, b"x")))


@pytest.mark.parametrize(
    ("kind", "target", "problem"),
    [
        (tarfile.SYMTYPE, "/etc/passwd", "leads out of it"),
        (tarfile.SYMTYPE, "../../../etc/passwd", "leads out of it"),
        (tarfile.LNKTYPE, "../outside", "leads out of it"),
        (tarfile.CHRTYPE, "", "is no file but of type '3'"),
        (tarfile.BLKTYPE, "", "is no file but of type '4'"),
        (tarfile.FIFOTYPE, "", "is no file but of type '6'"),
        (tarfile.GNUTYPE_SPARSE, "", "is no file but of type 'S'"),
    ],
)
def test_what_is_no_file_spoils_the_archive(kind: bytes, target: str, problem: str) -> None:
    assert problem in refusal(tar_of(usual(), member("blobs/odd", type=kind, linkname=target)))


def test_links_in_a_circle_are_not_followed_for_long() -> None:
    files = usual()
    del files["index.json"]
    links = [
        member("index.json", type=tarfile.SYMTYPE, linkname="a"),
        member("a", type=tarfile.SYMTYPE, linkname="index.json"),
    ]

    assert "is a link to a link" in refusal(tar_of(files, *links))


def test_a_member_that_comes_twice_has_no_content_to_rely_on() -> None:
    assert '"index.json" of the archive is in it twice' in refusal(
        tar_of(usual(), member("./index.json", b"{}"))
    )


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_member_of_petabytes_is_measured_by_what_is_left(form: Any) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        info = tarfile.TarInfo("blobs/huge")
        info.size = 5 * 2**50
        stream.write(info.tobuf(form))
        archive.offset = 0

    assert "says it has 5629499534213120 bytes, and" in refusal(stream)


def test_an_archive_that_was_cut_is_told_from_a_whole_one() -> None:
    whole = tar_of(usual()).getvalue()

    for length in range(1, len(whole.rstrip(b"\0")), 997):
        refusal(io.BytesIO(whole[:length]))


def test_no_header_of_a_member_is_read_into_memory_whatever_it_says() -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 5_000_000
    stream = io.BytesIO(header.tobuf(tarfile.USTAR_FORMAT) + bytes(header.size))

    tracemalloc.start()
    said = refusal(stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "has a header of 5000000 bytes" in said
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "records",
    [
        b"",
        b"9 path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"999999 path=x\n",
        b"10 size=-1\n",
        b"11 size=1_0\n",
        b"no record",
    ],
)
def test_an_extended_header_that_makes_no_sense_is_no_reason_to_hang(records: bytes) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(records)
    block = header.tobuf(tarfile.USTAR_FORMAT) + records.ljust(512, b"\0")

    refusal(io.BytesIO(block + tar_of({"index.json": b""}).getvalue()))


def test_what_is_sparse_or_renames_all_members_is_refused() -> None:
    for key, kind, problem in (
        (b"GNU.sparse.major", tarfile.XHDTYPE, "is sparse"),
        (b"path", tarfile.XGLTYPE, "gives all members one name"),
    ):
        record = key + b"=1\n"
        record = str(len(record) + 3).encode() + b" " + record
        header = tarfile.TarInfo("pax")
        header.type, header.size = kind, len(record)
        block = header.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0")

        assert problem in refusal(io.BytesIO(block + tar_of(usual()).getvalue()))


def test_more_members_than_an_image_has_are_not_listed() -> None:
    many = member("folder", type=tarfile.DIRTYPE)[0].tobuf(tarfile.USTAR_FORMAT) * (
        tar_headers.MAX_HEADERS + 1
    )

    assert "more than 20000 members" in refusal(io.BytesIO(many))


def test_more_layers_than_an_image_has_are_refused() -> None:
    layout = Layout()
    layer = described(layout.add(LAYER), "application/vnd.oci.image.layer.v1.tar")
    layout.image(layers=[layer] * (layouts.MAX_LAYERS + 1))

    assert "more than 1000 layers" in refusal(layout.tar())
    assert "more than 1000 layers" in refusal(tar_of(saved(*[b""] * (layouts.MAX_LAYERS + 1))))


def test_more_manifests_and_levels_than_an_index_has_are_refused() -> None:
    layout = Layout()
    entry = layout.entry(layout.image(LAYER, listed=False))
    layout.manifests = [entry] * (layouts.MAX_MANIFESTS + 1)
    assert "more than 1000 manifests" in refusal(layout.tar())

    deep = Layout()
    inner = layout.entry(deep.image(LAYER, listed=False))
    for _ in range(layouts.MAX_LEVELS):
        index = deep.add(as_json({"manifests": [inner]}))
        inner = deep.entry(index, kind="application/vnd.oci.image.index.v1+json")
    deep.manifests = [inner]
    assert "more than 3 levels of indexes" in refusal(deep.tar())


@pytest.mark.parametrize(
    ("magic", "command"),
    [
        (b"\x1f\x8b", "gunzip"),
        (b"\x28\xb5\x2f\xfd", "zstd -d"),
        (b"\xfd7zXZ", "unxz"),
        (b"BZh", "bunzip2"),
        (b"PK\x03\x04", "unzip"),
    ],
)
def test_a_compressed_archive_is_not_unpacked(magic: bytes, command: str) -> None:
    assert f"Unpack it with `{command}`" in refusal(io.BytesIO(magic + bytes(2_000)))


def test_a_gzip_bomb_stays_as_small_as_it_is() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    layout = Layout()
    layout.image(bomb)

    tracemalloc.start()
    assert "compressed (gzip)" in refusal(io.BytesIO(bomb))
    with archives.opened(layout.tar()) as image:
        assert image.layers[0].read(0, len(bomb)) == bomb
    with archives.opened(tar_of(saved(bomb))) as image:
        assert image.layers[0].digest == digest_of(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("content", [b"", b"no archive at all", bytes(1_024), b"\0" * 511, os.urandom(5_000)])
def test_what_is_no_archive_is_said_to_be_none(content: bytes) -> None:
    assert re.match("This is no archive of an image: |The archive is", refusal(io.BytesIO(content)))


def test_paths_that_are_no_archive_are_said_to_be_none(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert "missing cannot be opened (No such file" in refusal(tmp_path / "missing")
    assert "is no file and no folder" in refusal(pipe)
    assert "it has neither oci-layout and index.json nor manifest.json" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        (b"", "not valid JSON"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":1,"a":2}', "appears twice"),
        (b'{"manifests": [NaN]}', "NaN is not a JSON number"),
        (b"\xff", "is not UTF-8"),
        (b'{"manifests": [' + b"9" * 5_000 + b"]}", "thousands of digits"),
        (b'{"manifests": "\\u0000"}', "NUL"),
        (b'{"manifests": "\\ud800"}', "surrogate"),
        (b"[]", "is no object"),
        (b"{}", 'its "manifests" is no list'),
        (b'{"manifests": [1]}', '"1" is no object'),
        (b'{"manifests": []}', "more than one image"),
        (b" " * (documents.MAX_DOCUMENT_BYTES + 1), "has 1048577 bytes"),
    ],
)
def test_an_index_that_says_nothing_is_refused(index: bytes, problem: str) -> None:
    assert problem in refusal(tar_of(usual() | {"index.json": index}))


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:../../../etc/passwd"},
        {"digest": "sha256:" + "A" * 64},
        {"digest": "sha512:" + "a" * 128},
        {"digest": None},
        {"digest": ["sha256:" + "a" * 64]},
        {"size": -1},
        {"size": True},
        {"size": "3000"},
        {"size": 3_000.0},
        {"size": 2_999},
        {"size": 2**62},
        {"mediaType": "text/plain\r\nX-Other: 1"},
        {"mediaType": None},
        {"mediaType": "a/" + "b" * 300},
        {"digest": "sha256:" + "0" * 64},
    ],
)
def test_a_layer_that_is_described_wrongly_is_refused(change: dict[str, Any]) -> None:
    layout = Layout()
    layout.image(layers=[described(layout.add(LAYER), "application/vnd.oci.image.layer.v1.tar") | change])

    refusal(layout.tar())


@pytest.mark.parametrize(
    "changes",
    [
        {"mediaType": "application/vnd.oci.image.index.v1+json"},
        {"mediaType": 7},
        {"config": None},
        {"layers": {}},
        {"layers": [[]]},
    ],
)
def test_a_manifest_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    layout = Layout()
    layout.image(LAYER, **changes)

    refusal(layout.tar())


def test_a_manifest_whose_content_is_another_is_refused() -> None:
    layout = Layout()
    manifest = layout.image(LAYER)
    layout.files[path_of(digest_of(manifest))] = manifest.replace(
        b"application/vnd.oci.image.config", b"application/vnd.oci.image.confid"
    )

    assert "which is another" in refusal(layout.tar())


def test_a_part_that_is_missing_is_named() -> None:
    layout = Layout()
    layout.image(LAYER)
    del layout.files[path_of(digest_of(LAYER))]

    assert f'lacks "{path_of(digest_of(LAYER))}' in refusal(layout.tar())


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (b"[]", "more than one image"),
        (b"{}", "more than one image"),
        (b"[1]", "is no object"),
        (b"[{}]", "a path that is no text"),
        (b'[{"Config": "../../etc/passwd", "Layers": []}]', "lacks"),
        (b'[{"Config": 5, "RepoTags": 5, "Layers": []}]', "a path that is no text"),
    ],
)
def test_a_list_of_docker_that_says_nothing_is_refused(manifest: bytes, problem: str) -> None:
    assert problem in refusal(tar_of(saved(LAYER) | {"manifest.json": manifest}))


@pytest.mark.parametrize(
    "rootfs",
    [
        None,
        {},
        {"diff_ids": "x"},
        {"diff_ids": []},
        {"diff_ids": [None]},
        {"diff_ids": ["sha256:" + "0" * 64]},
    ],
)
def test_a_layer_that_docker_did_not_save_so_is_refused(rootfs: Any) -> None:
    refusal(tar_of(saved(LAYER, rootfs=rootfs)))


def test_names_without_a_meaning_are_listed_in_bounds() -> None:
    files = saved(LAYER)
    entries = [{"Config": "c", "RepoTags": [f"app:\u202e{n}" * 50], "Layers": []} for n in range(50)]

    assert "and 40 more" in refusal(tar_of(files | {"manifest.json": as_json(entries)}))


def test_links_in_a_folder_lead_nowhere_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(LAYER)
    layout = Layout()
    layout.image(LAYER)
    root = layout.folder(tmp_path / "layout")
    layer = root / path_of(digest_of(LAYER))

    layer.unlink()
    layer.symlink_to(outside)
    assert "is a link that leads out of it" in refusal(root)
    layer.unlink()
    layer.symlink_to(layer.name)
    refusal(root)
    layer.unlink()
    os.mkfifo(layer)
    assert "is no file" in refusal(root)
    layer.unlink()
    layer.mkdir()
    assert "is no file" in refusal(root)


def test_a_file_that_gets_shorter_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    layout = Layout()
    layout.image(LAYER)
    path = tmp_path / "image.tar"
    path.write_bytes(layout.tar().getvalue())

    with archives.opened(path) as image:
        os.truncate(path, 600)
        with pytest.raises(UnusableArchive, match="in the middle of a member"):
            image.layers[0].read(0, len(LAYER))
