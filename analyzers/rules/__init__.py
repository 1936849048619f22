"""The rules: evidence.py, hygiene_registry.py and modes.py list those of each kind; a module loads only what it needs.

The 9xx codes are not rules but failures of the analysis itself (`FAILURES`).
"""

FAILURES: dict[str, str] = {
    "GA901": "The file is not valid Python for the version that Gaia runs on.",
    "GA902": "The file is larger than the analyzer reads.",
    "GA903": "The file is not readable as text: its encoding, or NUL bytes.",
    "GA904": "The code is nested too deeply.",
    "GA905": "The file is too entangled to be evaluated within the budget.",
    "GA906": "A rule failed; this is a bug in Gaia.",
    "GA907": "Inference failed, so a device may have stayed unknown; this is a bug in Gaia.",
}
"""Code to what it means; each of these makes `gaia analyze` exit with 2, since an unread file proves nothing."""
