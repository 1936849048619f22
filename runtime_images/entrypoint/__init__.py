"""Where a function begins: the entry point of the function contract, found by reading the code, never by running it.

The worker, the command line and the analyzer all ask here, so they always agree on what is served and in which form
(docs/functions.md). Standard library only: it runs in the function's own environment too.
"""

from runtime_images.entrypoint.finding import find_entry
from runtime_images.entrypoint.model import CANDIDATES, Entry, EntryError, EntryForm
from runtime_images.entrypoint.modules import Read, encoding_of, read_own
from runtime_images.entrypoint.places import import_folders, module_name, package_folder

__all__ = [
    "CANDIDATES",
    "Entry",
    "EntryError",
    "EntryForm",
    "Read",
    "encoding_of",
    "find_entry",
    "import_folders",
    "module_name",
    "package_folder",
    "read_own",
]
