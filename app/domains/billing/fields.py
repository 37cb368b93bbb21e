"""The fields of what billing takes. Amounts and hours are strings: a JSON number would be a float."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from app.values.patterned_text import CURRENCY, Patterned
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
    str,
    Patterned(
        pattern=r"^[A-Za-z0-9/._-]{0,20}$",
        sentence="Write what numbers of invoices begin with as at most 20 letters, digits and / . _ -",
        such_as="INV-",
    ),
]
Currency = Annotated[str, CURRENCY]
Amount = Annotated[
    str,
    Patterned(
        pattern=r"^[0-9]{1,16}(\.[0-9]{1,4})?$",
        sentence="Write an amount as text of at most 16 digits before the point and 4 behind it",
        such_as="120.00",
    ),
]
Hours = Annotated[
    str,
    Patterned(
        pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$",
        sentence="Write hours as text of at most 6 digits before the point and 2 behind it",
        such_as="7.5",
    ),
]
Factor = Annotated[
    str,
    Patterned(
        pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$",
        sentence="Write a factor as text of at most 3 digits before the point and 4 behind it",
        such_as="1.5",
    ),
]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2199, 12, 31))]
