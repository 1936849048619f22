"""Calls that start another program: what the rules about commands share."""

from analyzers.facts.model import Call, Facts

_RUNNERS = ("subprocess.", "os.system", "os.popen", "os.exec", "os.spawn", "asyncio.create_subprocess")


def starts_program(call: Call) -> bool:
    """Return whether `call` starts another program."""
    return call.name.startswith(_RUNNERS)


def starts_programs(facts: Facts) -> bool:
    """Return whether the function starts other programs at all."""
    return any(starts_program(call) for call in facts.calls())
