"""The name of a function as a verb is given it: checked before anything is asked of a machine or a cluster."""

import re

from gaia_cli.errors import UsageError
from gaia_cli.project.kinds import DNS_LABEL
from gaia_cli.project.project import slug

_LONGEST = 63
"""What a function that is only run may have; a cluster takes less."""


def checked_name(name: str) -> str:
    """Return a name that a function can have.

    Raises:
        UsageError: no function can be called so.
    """
    if re.fullmatch(DNS_LABEL, name) and len(name) <= _LONGEST:
        return name
    hint = f"did you mean {slug(name)}?" if re.search(r"[a-z0-9]", name.lower()) else "gaia list shows the names"
    raise UsageError(
        f"{name!r} is no name of a function: small letters, digits and dashes, a letter first, no dash at the end", hint
    )
