"""Calls for which an event loop waits: waiting.tsv has the functions, and the clients whose methods wait."""

from analyzers.facts.model import Call, Known
from analyzers.lean.tables import read_tables, words

_TABLES = read_tables(__file__, "waiting")
_CALLS, _CLIENTS = _TABLES["CALLS"], _TABLES["CLIENTS"]
_LOCAL = words(
    "add aio all append batch blob Bucket bucket build_request can_paginate close collection copy cursor delete_all "
    "dispose document expire expunge fetchall fetchmany fetchone first generate_presigned_post generate_presigned_url "
    "get_blob_client get_collection_client get_container_client get_database get_database_client get_nowait "
    "get_paginator get_waiter load_system_host_keys lock mappings mount Object options order_by pipeline pubsub Queue "
    "register_script scalar scalars set_missing_host_key_policy set_trace_callback start_chat subscribe Table "
    "unary_stream unary_unary update where with_options with_raw_response"
)
"""Methods of clients that make something, change the client itself, or return what has come already."""
_AT_ONCE = Known(0)
_LARGE = frozenset({"time", "os", "urllib", "socket"})
"""Modules of which most functions do not wait."""


def waits(call: Call) -> bool:
    """Return whether `call` holds up the event loop that it runs in."""
    if call.name in _CALLS:
        return not (call.args and call.args[0].value == _AT_ONCE)
    if call.method in _LOCAL or call.method.endswith("_async") or ".aio." in call.name:
        return False
    end = call.name.find("().")
    while end >= 0:
        if call.name[:end] in _CLIENTS:
            made = call.name[end + 3 :].split("().")[:-1]
            return all(part.rpartition(".")[2] in _LOCAL for part in made)  # else it is a method of what has come
        end = call.name.find("().", end + 1)
    return False


def _word(name: str) -> str:
    """Return what a file holds that uses `name`: its library, or the function of a module with many others."""
    package, _, rest = name.partition(".")
    return rest.rpartition(".")[2] if package in _LARGE else package


WORDS = " ".join(sorted({_word(name) for name in (*_CALLS, *_CLIENTS)}))
"""A file in which something waits holds one of these words."""
