"""What reaches a parameter, or an option of the command line: what the project's own calls pass, and defaults.

def load(device): ...
load("cuda")                                          passes "cuda"
torch.load("m.pt")                                    passes nothing to it: that one is not the project's

parser.add_argument("--gpu", action="store_true")     args.gpu is False unless somebody asks for it
"""

import ast
from collections.abc import Iterator, Mapping, Sequence

from analyzers.facts.model import Known, Symbol, Value, options
from analyzers.facts.values.operations import CALLER, MAX_OPTIONS, one_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from analyzers.facts.scopes.model import Binding, Scope, Site

    class _Evaluator(Protocol):
        """What is asked of evaluator.py, which imports this module."""

        def value(self, node: ast.expr, scope: Scope) -> Value: ...
        def is_own(self, name: str) -> bool: ...


COMMAND_LINES = frozenset({"argparse.ArgumentParser().parse_args", "argparse.ArgumentParser().parse_known_args"})
"""Calls that return what stands on the command line."""
_SWITCHES = ("store_true", "store_false")


class Passed:
    """Looks through the calls of a project: `call_sites` by the last part of the callee's name."""

    def __init__(self, evaluator: "_Evaluator", call_sites: "Mapping[str, Sequence[Site]]") -> None:
        self._evaluator = evaluator
        self._call_sites = call_sites

    def to_parameter(self, binding: "Binding") -> list[Value]:
        """Return what calls in the project pass for a parameter, matched by the function's or the class's name."""
        function = binding.function
        if function is None:
            return []
        position = function.parameters.index(binding.target)
        name = function.name.removesuffix(".__init__").rpartition(".")[2]
        passed = (
            self._evaluator.value(node, site.scope)
            for site in self._call_sites.get(name, [])[:MAX_OPTIONS]
            if isinstance(site.node, ast.Call) and not self._is_foreign(site.node, site.scope)
            for node in _given(site.node, position, binding.target)
        )
        return [*passed, *self._declared(binding, function)]

    def _declared(self, binding: "Binding", function: "Scope") -> Iterator[Value]:
        """Yield what a parameter is by default where decorators declare the options of a program: `@click.option`."""
        if function.is_decorated and binding.node is None:
            for site in self._call_sites.get("option", []):
                if site.is_decorator and _declares(site.node, binding.target):
                    yield self._default(site)

    def on_command_line(self, name: str) -> Value:
        """Return what an option of a program is by default; what must be given is the caller's."""
        sites = (site for site in self._call_sites.get("add_argument", []) if _declares(site.node, name))
        values = [self._default(site) for site in sites]
        return one_of(values) if values else CALLER

    def _default(self, site: "Site") -> Value:
        given = {keyword.arg: keyword.value for keyword in getattr(site.node, "keywords", [])}
        if "default" in given:
            return self._evaluator.value(given["default"], site.scope)
        if isinstance(action := given.get("action"), ast.Constant) and action.value in _SWITCHES:
            return Known(action.value == "store_false")
        if "is_flag" in given:
            return Known(False)
        return CALLER if "required" in given else Known(None)

    def _is_foreign(self, call: ast.Call, scope: "Scope") -> bool:
        """Return whether a call goes out of the project."""
        callee = self._evaluator.value(call.func, scope)
        return any(isinstance(option, Symbol) and not self._evaluator.is_own(option.name) for option in options(callee))


def _given(call: ast.Call, position: int, name: str) -> Iterator[ast.expr]:
    """Yield what a call passes by position, or by name."""
    if position < len(call.args) and not any(isinstance(part, ast.Starred) for part in call.args):
        yield call.args[position]
    else:
        yield from (keyword.value for keyword in call.keywords if keyword.arg == name)


def _declares(node: ast.expr, name: str) -> bool:
    """Return whether `parser.add_argument("-g", "--use-gpu")` declares the option `name`, or gives it that `dest`."""
    if not isinstance(node, ast.Call):
        return False
    named = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "dest")]
    texts = (part.value for part in named if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return any(text.lstrip("-").replace("-", "_") == name for text in texts)
