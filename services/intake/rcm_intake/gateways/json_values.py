"""The values that our own JSON form is made of, each with what it may hold."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rcm_intake.gateways.reading import MAX_TEXT_CHARS

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def no_controls(value: str) -> str:
    """Return a text without control characters.

    Raises: ValueError when it has some.
    """
    if _CONTROL.search(value):
        raise ValueError("control character")
    return value


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$")]
Name = Annotated[str, Field(max_length=120), AfterValidator(no_controls)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
MemberId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .-]{0,78}[A-Za-z0-9]$")]
Npi = Annotated[str, Field(pattern=r"^\d{10}$")]
Icd10Cm = Annotated[str, Field(pattern=r"^[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?$")]
Hcpcs = Annotated[str, Field(pattern=r"^[A-Z0-9]\d{3}[A-Z0-9]$")]
Modifier = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]


class Strict(BaseModel):
    """A part of the form; unknown fields are refused and values never echoed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AddressIn(Strict):
    line: Name
    city: Name
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postal_code: Annotated[str, Field(pattern=r"^\d{5}(-?\d{4})?$")]
