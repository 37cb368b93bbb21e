"""The fields of what billing takes. Amounts and hours are strings: a JSON number would be a float."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from app.values.text_fields import ONE_LINE, SEVERAL_LINES

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
Address = Annotated[
    str,
    Field(min_length=1, max_length=1_000, description="Street, postcode and city, a line each."),
    SEVERAL_LINES,
]
Country = Annotated[str, Field(min_length=2, max_length=2, description="ISO 3166-1 alpha-2, such as DE.")]
Timezone = Annotated[str, Field(min_length=1, max_length=64, description="IANA name, such as Europe/Berlin.")]
TaxNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=4, max_length=40),
    Field(
        description="VAT id, such as DE123456789, or a number of the tax office, which begins with a digit."
    ),
    ONE_LINE,
]
Iban = Annotated[str, Field(min_length=1, max_length=60)]
NumberPrefix = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9/._-]{0,20}$", description="What numbers of invoices begin with.")
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as EUR.")]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,4})?$", examples=["120.00"])]
Hours = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$", examples=["7.5"])]
Factor = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", examples=["1.5"])]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2199, 12, 31))]
