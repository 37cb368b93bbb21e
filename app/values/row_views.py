"""What the API shows of rows."""

from pydantic import BaseModel, ConfigDict


class RowView(BaseModel):
    """Made from a row of the database, or from another object with its attributes."""

    model_config = ConfigDict(from_attributes=True)
