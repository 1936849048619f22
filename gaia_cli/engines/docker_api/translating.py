"""What docker-py raises becomes an error for the user, whichever call raises it."""

import contextlib
from collections.abc import Iterator

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from gaia_cli.engines.docker_api.errors import explain, no_engine, short
from gaia_cli.errors import EngineError


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn whatever the engine or the way to it raises into an error for the user."""
    try:
        yield
    except ImageNotFound as error:
        raise EngineError(f"the engine does not have the image: {short(error.explanation)}", "build it first") from None
    except APIError as error:
        raise explain(str(error.explanation or error)) from None
    except (DockerException, requests.RequestException) as error:
        raise no_engine(str(error)) from None
