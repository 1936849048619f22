"""The field that every JSON output begins with, as schemas describe it."""

from typing import Annotated

SchemaVersion = Annotated[int, "the version of this form; fields are added without a new one"]
