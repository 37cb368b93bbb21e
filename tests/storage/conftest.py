"""Both kinds of stores, each real: a folder, and a bucket of moto's S3."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from app.storage.stores import Store, store
from tests.fakes.aws import REGION, AwsServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def aws() -> Iterator[AwsServer]:
    server = AwsServer().start()
    yield server
    server.close()


@pytest.fixture
def bucket(aws: AwsServer, configure: Callable[..., None]) -> Iterator[str]:
    """The name of a bucket that is empty; the settings name it as the store."""
    aws.faults.clear()
    name = f"files-{next(_NUMBERS)}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    configure(
        storage=f"s3://{name}/own",
        storage_endpoint_url=aws.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield name
    aws.faults.clear()


@pytest.fixture
def folder(configure: Callable[..., None], tmp_path: Path) -> Path:
    """The folder that the settings name as the store; it is not there yet."""
    configure(storage=tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn, empty."""
    request.getfixturevalue(request.param)
    return store()
