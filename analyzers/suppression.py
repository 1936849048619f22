"""Comments by which an author overrules a rule on one line: `# noqa: GA201` or `# gaia: ignore[GA201] reason`.

The codes have to be named: a bare `# noqa` belongs to other tools. Failures of the analysis cannot be silenced.
"""

import re

from analyzers.rules.model import Finding, Signal

_COMMENT = r"#\s*(?:noqa:|gaia:\s*ignore\[)\s*([A-Z0-9,\s]+)"
_CODE = r"GA\d{3}"


def is_suppressed(finding: Finding) -> bool:
    """Whether a comment on the finding's line silences its rule."""
    if finding.signal is Signal.FAILURE or finding.rule not in finding.excerpt:
        return False
    return any(finding.rule in re.findall(_CODE, match) for match in re.findall(_COMMENT, finding.excerpt))
