"""Loads what the user wrote: one builder for each form, called once in each worker."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError
from runtime_images.dynamic_runtime.worker.forms import (
    aws_lambda,
    cloudevents,
    cog,
    functions_framework,
    plain_and_asgi,
    runpod,
    wsgi,
)
from runtime_images.dynamic_runtime.worker.forms.own_code import import_from_source, read_kept
from runtime_images.dynamic_runtime.worker.forms.source import Source
from runtime_images.entrypoint import EntryError, EntryForm, find_entry, import_folders

BUILDERS: dict[EntryForm, Callable[[Source], LoadedFunction]] = {
    EntryForm.NEW: plain_and_asgi.new,
    EntryForm.HANDLE: plain_and_asgi.application,
    EntryForm.HANDLER: plain_and_asgi.handler,
    EntryForm.CLOUDEVENTS: cloudevents.build,
    EntryForm.FUNCTIONS_FRAMEWORK: functions_framework.build,
    EntryForm.WSGI: wsgi.build,
    EntryForm.COG: cog.build,
    EntryForm.RUNPOD: runpod.build,
    EntryForm.LAMBDA: aws_lambda.build,
}


def load_function(directory: Path, entrypoint: str) -> LoadedFunction:
    """Import the entry point of the function in `directory` and make it callable.

    The process's working directory becomes `directory`, which goes first on sys.path; the other folders that the
    entry point may import from come next.

    Raises:
        SetupError: no entry point, an import that fails, a wrong signature.
    """
    directory = directory.resolve()
    try:
        entry = find_entry(directory, entrypoint, read_kept)
    except EntryError as error:
        kind = error.kind if error.kind in ("no_entry", "two_entries") else "import"
        raise SetupError(kind, f"{error.message} ({error.hint})", error.path, error.line) from None
    sys.argv[0] = str(directory / entry.path)
    os.chdir(directory)
    source = Source(entry, directory)
    sys.path[:0] = [str(directory / folder) for folder in import_folders(entry.path, source.holds)]
    import_from_source(directory)
    return BUILDERS[entry.form](source)
