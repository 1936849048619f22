"""A worker that did not become ready, as an exception that carries the event that reports it."""

from runtime_images.events.lifecycle import SetupFailed


class StartError(Exception):
    """A worker did not become ready; `failure` says why."""

    def __init__(self, failure: SetupFailed) -> None:
        super().__init__(failure.message)
        self.failure = failure
