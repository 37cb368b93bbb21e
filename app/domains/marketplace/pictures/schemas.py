"""What the API of pictures answers."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel

from app.domains.marketplace.catalog.models import MediaKind, ModelMedia
from app.storage.links import link

LINK_LASTS = timedelta(hours=24)


class PictureTaken(BaseModel):
    """A picture that is stored, and the job that makes its thumbnails."""

    image_path: str
    size: int
    sha256: str
    job_id: str


class MediaView(BaseModel):
    """A picture in one size and form; `url` is good for a day."""

    kind: MediaKind
    media_type: str
    width: int
    height: int
    size: int
    sha256: str
    created_at: datetime
    url: str

    @classmethod
    def of(cls, media: ModelMedia, *, slug: str) -> Self:
        """With a link to the file."""
        told = {name: getattr(media, name) for name in cls.model_fields if name != "url"}
        name = f"{slug}-{media.width}.{media.media_type.partition('/')[2]}"
        url = link(media.storage_key, filename=name, media_type=media.media_type, expires=LINK_LASTS)
        return cls(**told, url=url)


class MediaList(BaseModel):
    """The pictures of a model, the smallest first."""

    media: list[MediaView]
