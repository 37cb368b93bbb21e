"""What can be wrong with a picture, each as one sentence with its remedy."""

from __future__ import annotations

from app.errors import InvalidInput


class UnusablePicture(InvalidInput):
    """Raised for bytes of which no thumbnails are made."""

    code = "unusable_picture"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The picture cannot be used: {problem}.")


class SlowPicture(UnusablePicture):
    """Raised for one that takes longer to decode than a picture should."""

    def __init__(self) -> None:
        super().__init__(problem="it takes too long to decode; save it anew, and send that")


class NoPictureOfModel(InvalidInput):
    """Raised for the key of a file that was not sent as a picture of the model."""

    code = "no_picture_of_model"

    def __init__(self, *, key: str, model_id: int) -> None:
        super().__init__(
            f'"{key}" is no picture of model {model_id}. Send one to '
            f"PUT /api/v1/marketplace/models/{model_id}/picture, which answers with its key."
        )
