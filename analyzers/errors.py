"""The error of the analyzer as a whole; a failure in one file is a finding (GA9xx), not an error."""


class AnalyzerError(Exception):
    """There is nothing to analyze. `message` says what and where, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
