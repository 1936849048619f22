"""A function: `handler` gets the request's JSON and returns what becomes the answer's JSON."""

from typing import Any


def handler(payload: dict[str, Any]) -> dict[str, Any]:
    """Greet whoever the request names."""
    return {"message": f"Hello, {payload.get('name', 'world')}!"}
