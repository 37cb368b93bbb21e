from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from app.domains.marketplace.images import archives, docker_save
from app.domains.marketplace.images.archive_errors import NoSuchImage, NoSuchPlatform
from tests.domains.marketplace.images.samples import (
    INDEX_TYPE,
    Layout,
    as_json,
    digest_of,
    member,
    noise,
    saved,
    tar_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from app.domains.marketplace.images.facts import Image

ONE, TWO = noise(70_000, 1), noise(5_000, 2)


def contents(image: Image) -> list[bytes]:
    return [layer.read(0, layer.size) for layer in image.layers]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_layout_in_a_tar_file_is_read_where_it_is(form: int) -> None:
    layout = Layout()
    manifest = layout.image(ONE, TWO)

    with archives.opened(tar_of(layout.all_files(), form=form)) as image:
        assert (image.manifest, image.digest) == (manifest, digest_of(manifest))
        assert contents(image) == [ONE, TWO]
        assert image.layers[0].read(69_990, 100) == ONE[69_990:]
        assert [blob.digest for blob in image.blobs][:2] == [digest_of(ONE), digest_of(TWO)]
        assert image.size == len(ONE) + len(TWO) + image.config.size


def test_a_layout_in_a_folder_is_the_same_image(tmp_path: Path) -> None:
    layout = Layout()
    layout.image(ONE, TWO, ONE)

    with archives.opened(layout.folder(tmp_path)) as image, archives.opened(layout.tar()) as other:
        assert image == other
        assert contents(image) == [ONE, TWO, ONE]
        assert len(image.blobs) == 3


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    layout = Layout()
    layout.image(ONE)
    path = tmp_path / "image.tar"
    path.write_bytes(layout.tar().getvalue())

    with archives.opened(path) as image:
        assert contents(image) == [ONE]


@pytest.mark.parametrize("name", ["1.0", "shop/app:1.0", "registry.example:5000/shop/app:1.0"])
def test_the_image_of_a_tag_is_found_by_the_names_that_tools_write(name: str) -> None:
    layout = Layout()
    layout.image(ONE, tag="2.0")
    manifest = layout.image(TWO, tag=name)

    with archives.opened(layout.tar(), tag="1.0") as image:
        assert image.manifest == manifest


def test_one_image_alone_needs_no_tag() -> None:
    layout = Layout()
    manifest = layout.image(ONE, tag="latest")

    with archives.opened(layout.tar(), tag="1.0") as image:
        assert image.manifest == manifest


@pytest.mark.parametrize("tag", ["3.0", "", "0"])
def test_of_several_images_one_is_to_be_named(tag: str) -> None:
    layout = Layout()
    layout.image(ONE, tag="1.0")
    layout.image(TWO, tag="2.0")

    with (
        pytest.raises(NoSuchImage, match=r'"1\.0", "2\.0"\. Name one of them'),
        archives.opened(layout.tar(), tag=tag),
    ):
        pass


def nested(layout: Layout, *platforms: str) -> list[bytes]:
    """An index in the index, as BuildKit writes it, with what it attests."""
    manifests = [
        layout.image(noise(100, seed), platform=one, listed=False) for seed, one in enumerate(platforms)
    ]
    entries = [layout.entry(one, platform=name) for one, name in zip(manifests, platforms, strict=True)]
    attested = layout.entry(layout.image(b"", listed=False), platform="unknown/unknown")
    attested["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    index = layout.add(as_json({"schemaVersion": 2, "manifests": [*entries, attested]}))
    layout.manifests.append(layout.entry(index, tag="1.0", kind=INDEX_TYPE))
    return manifests


@pytest.mark.parametrize(
    ("platforms", "taken"),
    [
        (("linux/arm64", "linux/amd64"), 1),
        (("linux/amd64/v3", "linux/amd64", "linux/s390x"), 1),
        (("linux/arm64",), 0),
        (("linux/amd64/v2", "linux/amd64p32"), 0),
    ],
)
def test_of_several_platforms_the_usual_one_is_taken(platforms: tuple[str, ...], taken: int) -> None:
    layout = Layout()
    manifests = nested(layout, *platforms)

    with archives.opened(layout.tar(), tag="1.0") as image:
        assert image.manifest == manifests[taken]


def test_a_platform_that_is_not_there_is_said_with_those_that_are() -> None:
    layout = Layout()
    nested(layout, "linux/arm64", "windows/amd64")

    with (
        pytest.raises(
            NoSuchPlatform, match='not there for linux/amd64, but for: "linux/arm64", "windows/amd64"'
        ),
        archives.opened(layout.tar()),
    ):
        pass


def test_what_docker_saved_gets_a_manifest() -> None:
    asked: list[None] = []

    with archives.opened(tar_of(saved(ONE, TWO)), tag="1.0", proceed=lambda: asked.append(None)) as image:
        assert contents(image) == [ONE, TWO]
        assert image.media_type == docker_save.MANIFEST_TYPE
        assert [layer.digest for layer in image.layers] == [digest_of(ONE), digest_of(TWO)]
        assert {layer.media_type for layer in image.layers} == {docker_save.LAYER_TYPE}
    assert len(asked) == 2
    with archives.opened(tar_of(saved(ONE, TWO))) as again:
        assert again.digest == image.digest


def test_a_layer_that_docker_saved_as_a_link_is_the_one_it_leads_to() -> None:
    files = saved(ONE, ONE)
    second = f"{1:064x}/layer.tar"
    del files[second]
    link = member(second, type=tarfile.SYMTYPE, linkname=f"../{0:064x}/layer.tar")

    with archives.opened(tar_of(files, link)) as image:
        assert contents(image) == [ONE, ONE]


def test_layers_that_docker_saved_compressed_are_said_to_be() -> None:
    layer = b"\x1f\x8b" + ONE

    with archives.opened(tar_of(saved(layer, rootfs={"diff_ids": ["sha256:of-what-is-in-it"]}))) as image:
        assert image.layers[0].media_type == f"{docker_save.LAYER_TYPE}+gzip"


def test_names_longer_than_a_header_are_read() -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        files = saved(ONE)
        long = "a" * 150 + "/layer.tar"
        short = f"{0:064x}/layer.tar"
        files["manifest.json"] = files["manifest.json"].replace(short.encode(), long.encode())
        files[long] = files.pop(short)

        with archives.opened(tar_of(files, form=form)) as image:
            assert contents(image) == [ONE]


def test_a_stream_may_stand_anywhere() -> None:
    layout = Layout()
    layout.image(ONE)
    stream = layout.tar()
    stream.seek(0, io.SEEK_END)

    with archives.opened(stream) as image:
        assert contents(image) == [ONE]
