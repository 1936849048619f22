"""Identities of findings that survive edits elsewhere in the file, for baselines and other tools.

`fingerprint` is Gaia's own: the rule, the path, the line without its white space, and an ordinal among equals.

`line_hashes` is GitHub's `primaryLocationLineHash`, computed as its upload action does it (github/codeql-action,
src/fingerprints.ts), so that the value given is the value expected there: the polynomial hash, base 37 modulo 2^64, of
the 100 UTF-16 units from the start of the line, blanks and tabs left out and every line ending a line feed, in
hexadecimal, then a colon and the number of times that this hash has come so far in the file.
"""

from array import array

from analyzers.formats.findings import LintFinding

_BASE = 37
_MODULUS = 1 << 64
_WINDOW = 100
_LEAVING = pow(_BASE, _WINDOW, _MODULUS)
_END_OF_FILE = 0xFFFF
_LINE_FEED = 10
_FINGERPRINT_BYTES = 16


def fingerprint(finding: LintFinding) -> str:
    """Return the identity of `finding` in hexadecimal."""
    from hashlib import blake2b

    parts = (finding.code, finding.path, "".join(finding.excerpt.split()), str(finding.ordinal))
    return blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=_FINGERPRINT_BYTES).hexdigest()


def line_hashes(text: str) -> list[str]:
    """Return the hash of every line of `text`, from top to bottom."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    units = [*array("H", plain.encode("utf-16-le", "surrogatepass")), _END_OF_FILE]
    starts = {0} | {index + 1 for index, unit in enumerate(units) if unit == _LINE_FEED}
    padded = [0] * _WINDOW + units + [0] * _WINDOW
    seen: dict[int, int] = {}
    hashes: list[str] = []
    rolling = 0
    for index in range(1 - _WINDOW, len(units)):
        leaving, entering = padded[index + _WINDOW - 1], padded[index + 2 * _WINDOW - 1]
        rolling = (rolling * _BASE + entering - _LEAVING * leaving) % _MODULUS
        if index in starts:
            seen[rolling] = seen.get(rolling, 0) + 1
            hashes.append(f"{rolling:x}:{seen[rolling]}")
    return hashes
