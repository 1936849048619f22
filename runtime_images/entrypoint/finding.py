"""Finds the entry point in a function's files.

What is named as the function contract names it (`new`, `handle`, `handler`), or says itself that it is the function to
serve, goes before functions that only look like one, and these before web applications.
"""

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

from runtime_images.entrypoint.applications import (
    Origin,
    application_form,
    bound_to,
    definition_of,
    form_of_import,
    origin_of,
    unwrapped,
)
from runtime_images.entrypoint.functions import (
    form_of_function,
    handles_events,
    is_decorated,
    is_predictor,
    takes_event,
    takes_flask_request,
)
from runtime_images.entrypoint.model import CANDIDATES, FIRST_CANDIDATES, Entry, EntryError, EntryForm
from runtime_images.entrypoint.modules import Binding, Module, Modules, Parse, Read, parse_own, read_own
from runtime_images.entrypoint.runpod import started

_APPLICATIONS = ("app", "application", "api")
"""What the documentation of web frameworks calls their applications."""

_CONTRACT = (EntryForm.NEW, EntryForm.HANDLE, EntryForm.HANDLER)
_PREDICTOR_IN_COG_YAML = re.compile(r"""^(?:predict|run):[ ]*["']?([\w./-]+\.py:\w+)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Found:
    rank: int
    entry: Entry


def find_entry(directory: Path, entrypoint: str = "", read: Read = read_own, parse: Parse = parse_own) -> Entry:
    """Return the entry point in `directory`: the only one, or what `entrypoint` ("path.py", "path.py:name") names.

    Raises:
        EntryError: there is no entry point, more than one, or a candidate cannot be read or parsed.
    """
    modules = Modules(directory, read, parse)
    if entrypoint := entrypoint or _named_by_cog(modules):
        return _named_entry(modules, entrypoint)
    present = _candidates(modules)
    found = [one for module in present if (one := _entry_in(modules, module)) is not None]
    best = _apart(modules, [one.entry for one in found if one.rank == min(other.rank for other in found)])
    if len(best) > 1:
        places = " and ".join(f"{entry.path}:{entry.line} ({entry.attribute})" for entry in best)
        raise EntryError(
            "two_entries",
            f"there is more than one entry point: {places}",
            f'name the one to serve in gaia.toml: [function] entrypoint = "{best[0].path}"',
            best[1].path,
            best[1].line,
        )
    if not best:
        raise EntryError(
            "no_entry",
            f"no entry point in {directory}: none of {', '.join(FIRST_CANDIDATES)} defines new, handle or handler",
            _hint_for_none(present),
        )
    return best[0]


def _apart(modules: Modules, entries: list[Entry]) -> list[Entry]:
    """Return the entries without those that only name another again; the one stays that stands where it is defined."""
    kept: dict[Origin, Entry] = {}
    for entry in entries:
        origin = origin_of(modules, modules.at(entry.path), entry.attribute)
        if origin not in kept or entry.path == origin[0]:
            kept[origin] = entry
    return list(kept.values())


def _candidates(modules: Modules) -> list[Module]:
    """Return the modules that may hold the entry point.

    Raises:
        EntryError: one of the first candidates cannot be read, or one of the others and there are none beside them.
    """
    present: list[Module] = []
    problem: EntryError | None = None
    for name in CANDIDATES:
        if modules.holds(name):
            try:
                present.append(modules.at(name))
            except EntryError as error:
                if name in FIRST_CANDIDATES:
                    raise
                problem = error
    if problem is not None and not present:
        raise problem
    return present


def _hint_for_none(present: list[Module]) -> str:
    """Return what to do without an entry point: name what looks like one, or define a handler."""
    for module in present:
        name = module.path
        for binding in module.bindings:
            if binding.name in _APPLICATIONS or takes_flask_request(module, _node(binding)):
                entrypoint = f'[function] entrypoint = "{name}:{binding.name}"'
                return f"to serve {binding.name} ({name}:{binding.line}), write into gaia.toml: {entrypoint}"
    own = '[function] entrypoint = "path.py:function"'
    return f"define `def handler(payload)` in func.py, or name your own in gaia.toml: {own}"


def _named_by_cog(modules: Modules) -> str:
    """Return the predictor that cog.yaml names, if it does."""
    try:
        text = modules.read(modules.directory, "cog.yaml").decode("utf-8", "replace")
    except OSError:
        return ""
    named = _PREDICTOR_IN_COG_YAML.search(text)
    return named[1] if named else ""


def _named_entry(modules: Modules, entrypoint: str) -> Entry:
    path, _, attribute = entrypoint.partition(":")
    _check_place(modules, path)
    module = modules.at(path)
    if not attribute:
        if (found := _entry_in(modules, module)) is not None:
            return found.entry
        hint = f'name the function: [function] entrypoint = "{path}:name"'
        raise EntryError("no_entry", f"{path} defines none of new, handle, handler", hint, path)
    bound = bound_to(module, attribute)
    if not bound:
        raise EntryError("no_entry", f"{path} does not define {attribute}", "correct [function] entrypoint", path)
    return _entry_of(modules, module, attribute)


def _check_place(modules: Modules, path: str) -> None:
    if not modules.holds(path):
        message = f"the entry point {path} is not a file in {modules.directory}"
        raise EntryError("no_entry", message, "correct [function] entrypoint", path)
    real = os.path.realpath(modules.directory / path)
    if not Path(real).is_relative_to(os.path.realpath(modules.directory)):
        message = f"the entry point {path} lies outside of {modules.directory}: it is {real}"
        raise EntryError("no_entry", message, "copy the file in, or correct [function] entrypoint", path)


def _entry_in(modules: Modules, module: Module) -> _Found | None:
    """Return the one entry point of a module.

    Raises:
        EntryError: there are two of equal standing.
    """
    if (handler := started(module)) is not None:
        return _Found(0, Entry(module.path, handler.name, EntryForm.RUNPOD, handler.line))
    for rank, names in enumerate((_contract_names(module), _platform_names(module), _applications(modules, module))):
        if len(names) > 1:
            entries = [_entry_of(modules, module, name) for name in names[:2]]
            first, second = (f"{entry.attribute} (line {entry.line})" for entry in entries)
            raise EntryError(
                "two_entries",
                f"{module.path} defines both {first} and {second}",
                f'name the one to serve in gaia.toml: [function] entrypoint = "{module.path}:{names[0]}"',
                module.path,
                entries[1].line,
            )
        if names:
            return _Found(rank, _entry_of(modules, module, names[0]))
    return None


def _contract_names(module: Module) -> list[str]:
    """Return the names of the function contract that a module binds, or the functions that are decorated as such."""
    own = [binding for binding in module.bindings if not _from_another_candidate(binding)]
    if decorated := [binding.name for binding in own if is_decorated(module, _node(binding))]:
        return list(dict.fromkeys(decorated))
    bound = {binding.name for binding in own}
    names: list[str] = [form.value for form in _CONTRACT if form.value in bound]
    if EntryForm.NEW in names and EntryForm.HANDLE in names:
        names.remove(EntryForm.HANDLE)  # as in Knative's own runtime: new() goes before handle
    return names


def _platform_names(module: Module) -> list[str]:
    """Return the predictors, else the functions for Lambda, that a module defines."""
    predictors = [binding.name for binding in module.bindings if is_predictor(module, _node(binding))]
    events = [binding.name for binding in module.bindings if takes_event(module, _node(binding))]
    return list(dict.fromkeys(predictors or [name for name in events if name == "lambda_handler"] or events))


def _applications(modules: Modules, module: Module) -> list[str]:
    """Return the first web application of a module, by the usual names."""
    own = {binding.name for binding in module.bindings if not _from_another_candidate(binding)}
    names = [name for name in _APPLICATIONS if name in own]
    return [name for name in names if _web_form(modules, module, name) is not None][:1]


def _entry_of(modules: Modules, module: Module, attribute: str) -> Entry:
    """Return the entry point that a name of the module is, in the form that its definition shows."""
    bound = bound_to(module, attribute)
    for binding in bound:
        if name := unwrapped(module, binding.value):
            return _entry_of(modules, module, name)
    if (handler := started(module)) is not None and handler.name == attribute:
        return Entry(module.path, attribute, EntryForm.RUNPOD, handler.line)
    forms = (_form_of(modules, module, binding) for binding in bound)
    form = next((form for form in forms if form is not None), None) or _form_by_name(attribute, bound)
    return Entry(module.path, attribute, form, bound[0].line if bound else 0)


def _form_of(modules: Modules, module: Module, binding: Binding) -> EntryForm | None:
    """Return the form that a definition shows; None where it shows none."""
    found = definition_of(modules, module, binding)
    if found is None:
        return None
    module, binding = found
    match binding.value:
        case ast.FunctionDef() | ast.AsyncFunctionDef() as node:
            form = form_of_function(module, node)
            is_of_events = form is EntryForm.NEW and handles_events(module)
            return EntryForm.CLOUDEVENTS if is_of_events else form
        case ast.ClassDef() as node if is_predictor(module, node):
            return EntryForm.COG
    return _web_form(modules, module, binding.name)


def _web_form(modules: Modules, module: Module, name: str) -> EntryForm | None:
    forms = (
        form_of_import(modules, module, binding)
        if binding.source is not None
        else application_form(modules, module, binding.value)
        for binding in bound_to(module, name)
    )
    return next((form for form in forms if form is not None), None)


def _form_by_name(attribute: str, bound: list[Binding]) -> EntryForm:
    """Return the form where the definition says nothing: by a name of the contract; an object is an application."""
    if attribute in _CONTRACT:
        return EntryForm(attribute)
    is_function = any(isinstance(binding.value, ast.FunctionDef | ast.AsyncFunctionDef) for binding in bound)
    return EntryForm.HANDLER if is_function else EntryForm.HANDLE


def _node(binding: Binding) -> ast.AST:
    return binding.value


def _from_another_candidate(binding: Binding) -> bool:
    """Return whether it imports the entry point of another candidate file, as a script for local trials does."""
    if binding.source is None or binding.source.level:
        return False
    imported = (binding.source.module or "").replace(".", "/") + ".py"
    return imported in CANDIDATES
