"""The smallest function: a plain handler, no framework, nothing that a GPU could help with."""


def handler(payload):
    name = payload.get("name", "world") if isinstance(payload, dict) else "world"
    return {"message": f"Hello, {name}!"}
