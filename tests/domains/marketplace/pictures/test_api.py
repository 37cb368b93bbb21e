"""Pictures over HTTP: sent as they are, and shown as thumbnails by whoever may see their model."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading
from app.domains.marketplace.pictures import service
from app.domains.marketplace.pictures.limits import MAX_BYTES
from app.jobs.ledger.models import Job
from app.storage.stores import store
from tests.api_client import anonymous, client_for
from tests.checkpoints import committing
from tests.domains.marketplace.market import NOW, add_model
from tests.domains.marketplace.pictures.samples import BLUE, HOSTILE, lying, red, saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
MODELS = "/api/v1/marketplace/models"
PNG = saved(red(), "PNG")


@pytest.fixture
def files(configure: Callable[..., None], tmp_path: Path) -> Path:
    """Where files are kept."""
    configure(storage=tmp_path / "files")
    return tmp_path / "files"


def sent(model_id: int, content: bytes = PNG) -> Any:
    answer = client_for("catalog:write").put(f"{MODELS}/{model_id}/picture", content=content)
    assert answer.status_code == 202, answer.text
    return answer.json()


def make(model_id: int, key: str, *, before_the_end: Callable[[], object] = lambda: None) -> int:
    """What the job does."""
    with Session(engine(), expire_on_commit=False) as session:
        commit = committing(session)

        def checkpoint(*progress: Any) -> None:
            commit()
            before_the_end()

        return service.make_thumbnails(session, model_id=model_id, key=key, now=NOW, commit=checkpoint)


def shown(model_id: int, *scopes: str) -> list[Any]:
    answer = client_for("catalog:read", *scopes).get(f"{MODELS}/{model_id}/media")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["media"])


def kept(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(".")}


def named(model_id: int) -> set[str]:
    """The files that rows name."""
    with reading() as session:
        return {one.storage_key for one in service.media_of(session, model_id=model_id)}


@pytest.mark.databases("sqlite", "postgresql")
def test_a_picture_is_sent_and_shown(files: Path) -> None:
    model = add_model()
    taken = sent(model, lying())
    with reading() as session:
        job = session.scalars(select(Job).where(Job.id == taken["job_id"])).one()
    assert (job.task, job.queue) == (service.THUMBNAIL_TASK, "models")
    assert job.kwargs == {"model_id": model, "image_path": taken["image_path"]}
    assert shown(model) == []
    assert make(model, taken["image_path"]) == 6
    media = shown(model)
    assert [(one["width"], one["media_type"]) for one in media] == [
        (side, form) for side in (128, 256, 512) for form in ("image/png", "image/webp")
    ]
    for one in media:
        given = anonymous().get(one["url"])
        assert given.headers["content-type"] == one["media_type"]
        assert len(given.content) == one["size"]
        picture = Image.open(BytesIO(given.content))
        assert picture.size == (one["width"], one["height"])
    assert kept(files) == named(model) | {taken["image_path"]}


def test_another_picture_takes_the_place_of_the_first_with_all_its_files(files: Path) -> None:
    model = add_model()
    first = sent(model)
    make(model, first["image_path"])
    before = shown(model)
    second = sent(model, saved(Image.new("RGB", (10, 10), BLUE), "PNG"))
    for _ in range(2):
        assert make(model, second["image_path"]) == 6
        assert kept(files) == named(model) | {second["image_path"]}
    assert {one["sha256"] for one in shown(model)}.isdisjoint(one["sha256"] for one in before)
    assert make(model, first["image_path"]) == 0, "its place is taken"
    assert anonymous().get(before[0]["url"]).status_code == 404


def test_a_picture_that_is_replaced_while_it_is_decoded_leaves_nothing(files: Path) -> None:
    model = add_model()
    first = sent(model)
    second: list[str] = []

    def another() -> None:
        if not second:
            second.append(sent(model)["image_path"])

    assert make(model, first["image_path"], before_the_end=another) == 0
    assert (shown(model), kept(files)) == ([], {second[0]})
    file = store().put(f"models/{model}/pictures/late", [PNG], limit=MAX_BYTES)
    assert make(model, file.key) == 0


@pytest.mark.parametrize(
    "kind", ["nothing", "SVG", "a small bomb", "a GIF that moves", "a huge profile, PNG"]
)
def test_what_is_no_picture_is_refused_at_the_door_and_not_kept(kind: str, files: Path) -> None:
    content, sentence = HOSTILE[kind]
    answer = client_for("catalog:write").put(f"{MODELS}/{add_model()}/picture", content=content())
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_picture")
    assert sentence in answer.json()["detail"]
    assert kept(files) == set()


def test_what_is_not_taken_is_not_kept(files: Path) -> None:
    model = add_model(is_published=False)
    path = f"{MODELS}/{model}/picture"
    client = client_for("catalog:write")
    large = client.put(path, content=PNG + bytes(MAX_BYTES))
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert client.put(path, content=PNG, headers={"Content-Encoding": "gzip"}).status_code == 415
    assert client.put(f"{MODELS}/4711/picture", content=PNG).status_code == 404
    assert client_for("catalog:read").put(path, content=PNG).status_code == 403
    assert client_for("catalog:read").get(f"{MODELS}/{model}/media").status_code == 404
    assert shown(model, "catalog:write") == []
    assert kept(files) == set()
