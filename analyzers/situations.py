"""How each call runs: while the module is imported, once at the start or in each request; in a loop; in a coroutine.

The facts say what is called and under which guard. The hygiene rules (7xx) also ask when, and only `gaia lint` asks
them, so this is a walk of its own over the syntax trees, which `gaia analyze` never takes. When is told from names and
decorators (`handler`, `predict`, `@app.post`, `setup`, `__init__`) and, inside a file, from who calls whom.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from analyzers.facts import Place
from analyzers.reading import Source
from analyzers.records import record, replace
from analyzers.scopes import Function, is_main_test


class Phase(Enum):
    """When code runs; whatever is neither of these three is nobody's, as far as one file tells."""

    IMPORT = "import"
    START = "start"
    REQUEST = "request"


@record
class Situation:
    """How a call runs.

    `function` is its function's dotted name inside the file, empty at the top; `loop` tells that a `for` of that
    function repeats it for one item after the other. `once` stands for code that a test for None, an entry or an
    attribute, or a cache around the function keeps from running again. `without_gradients`: PyTorch records nothing
    there. `on_host`: the receiver has been brought to main memory before. `moves`: an argument speaks of a device.
    """

    function: str = ""
    phases: frozenset[Phase] = frozenset()
    loop: bool = False
    in_coroutine: bool = False
    once: bool = False
    without_gradients: bool = False
    on_host: frozenset[str] = frozenset()
    moves: frozenset[str] = frozenset()
    kept: str = ""
    stores: bool = False


@record
class Situations:
    """The situations of all calls by the place where they start, and what else only the text of the files tells.

    `literals` are the strings that name a CUDA device, by file, line and offset in bytes (as an `Argument` has them);
    `modules` the qualified names of the project's own PyTorch modules; `learning` the files that train or switch
    gradients off themselves.
    """

    by_start: Mapping[tuple[str, int, int], Situation]
    literals: Mapping[tuple[str, int, int], Place]
    modules: frozenset[str]
    learning: frozenset[str]

    def of(self, place: Place) -> Situation:
        """The situation of the call at `place`."""
        return self.by_start.get((place.path, place.line, place.column), _NONE)


_NONE = Situation()
_REQUESTS = frozenset({"handler", "handle", "lambda_handler", "predict", "infer", "inference", "do_POST", "do_GET"})
_ASIDE = ("download", "train", "eval", "bench", "prepare", "monitor")
_REQUEST_DECORATORS = frozenset(
    [
        "api",
        "api_route",
        "batch",
        "batched",
        "delete",
        "endpoint",
        "fastapi_endpoint",
        "function",
        "get",
        "method",
        "patch",
        "post",
        "put",
        "realtime",
        "route",
        "task_queue",
        "web_endpoint",
        "websocket",
    ]
)
_STARTS = frozenset(
    {"__init__", "setup", "load", "start", "new", "startup", "lifespan", "init", "on_start", "initialize"}
)
_START_DECORATORS = frozenset({"enter", "on_event", "build", "on_startup", "asynccontextmanager"})
_CACHES = frozenset({"lru_cache", "cache", "cached", "cached_property", "cache_resource", "singleton", "cache_data"})
_ADDS = frozenset({"append", "add", "extend", "insert", "put", "setdefault", "update"})
_NO_GRADIENTS = frozenset({"no_grad", "inference_mode"})
_LEARNS = frozenset({"backward", "set_grad_enabled", "requires_grad_", "zero_grad", "fit", "train"})
_NETWORKS = ("nn.Module", "LightningModule", "PreTrainedModel")
_TO_HOST = frozenset({"cpu", "numpy", "tolist", "asarray", "array", "item"})
_HOST_LIBRARIES = frozenset({"np", "numpy", "pd", "pandas", "Image", "cv2", "json", "math", "random", "os"})
_BATCHES = ("batch", "loader", "chunk")


def situations(sources: Iterable[Source]) -> Situations:
    """The situations in all `sources`; files that hold no evidence have none."""
    by_start: dict[tuple[str, int, int], Situation] = {}
    literals: dict[tuple[str, int, int], Place] = {}
    modules: set[str] = set()
    learning: set[str] = set()
    for source in sources:
        walker = _Walker(source)
        walker.block(source.tree.body, _NONE)
        by_start.update(walker.resolved())
        literals |= walker.literals
        modules |= walker.modules
        if walker.learns:
            learning.add(source.path)
    return Situations(by_start, literals, frozenset(modules), frozenset(learning))


class _Called:
    """A function of the file: when it runs as its own name says, whom it calls, and where from gradients are off."""

    def __init__(self, owner: str, phase: Phase | None) -> None:
        self.owner = owner
        self.phases = {phase} if phase else set()
        self.callees: list[tuple[str, bool]] = []
        self.host: set[str] = set()
        self.bound: set[str] = set()


class _Walker:
    """Walks one file. `owner` is the class around the code that is being walked, empty outside of one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines = source.text.splitlines()
        self.owner = ""
        self.functions: dict[str, _Called] = {"": _Called("", Phase.IMPORT)}
        self.found: dict[tuple[str, int, int], Situation] = {}
        self.literals: dict[tuple[str, int, int], Place] = {}
        self.modules: set[str] = set()
        self.learns = False
        self.globals: set[str] = set()
        self.tops = {
            target.id
            for node in source.tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def block(self, body: Sequence[ast.AST], now: Situation) -> None:
        for node in body:
            self.visit(node, now)
            if isinstance(node, ast.If) and _returns_what_is_done(node):
                now = replace(now, once=True)

    def visit(self, node: ast.AST, now: Situation) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node, now)
            case ast.ClassDef():
                self.class_(node, now)
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(test, body, orelse, now)
            case ast.For(target=target, iter=source):
                self.visit(source, now)
                self.bind(target, source, now)
                repeats = _goes_one_by_one(target, source) and not _streams(node.body)
                self.block([*node.body, *node.orelse], replace(now, loop=now.loop or repeats))
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                self.block(items, now)
                off = any(_called_name(item.context_expr) in _NO_GRADIENTS for item in items)
                self.block(body, replace(now, without_gradients=now.without_gradients or off))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.bind(target, value, now)
                    self.visit(target, now)
                self.visit(
                    value, replace(now, kept=next(filter(None, (self.keeper(target, now) for target in targets)), ""))
                )
            case ast.ExceptHandler(type=ast.Name(id="NameError" | "KeyError" | "AttributeError"), body=body):
                self.block(body, replace(now, once=True))
            case ast.JoinedStr():
                self.block([part for part in node.values if isinstance(part, ast.FormattedValue)], now)
            case ast.Global(names=names):
                self.globals.update(names)
            case _:
                self.expression(node, now)

    def expression(self, node: ast.AST, now: Situation) -> None:
        match node:
            case ast.Lambda(body=body):
                self.visit(body, replace(now, in_coroutine=False, loop=False))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self.comprehension(node, now)
            case ast.Call():
                self.call(node, now)
            case ast.Subscript(ctx=ast.Store()):
                self.note(node, replace(now, stores=True))
                self.children(node, now)
            case ast.Constant(value=str(text)) if text == "cuda" or text.startswith("cuda:"):
                self.literal(node)
            case ast.Attribute(attr="requires_grad", ctx=ast.Store()):
                self.learns = True
            case _:
                self.children(node, now)

    def children(self, node: ast.AST, now: Situation) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child, now)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, now: Situation) -> None:
        inner = now
        for part in node.generators:
            self.visit(part.iter, inner)
            self.bind(part.target, part.iter, now)
            inner = replace(inner, loop=inner.loop or _goes_one_by_one(part.target, part.iter))
            self.block(part.ifs, inner)
        self.block([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], inner)

    def branch(self, test: ast.expr, body: Sequence[ast.AST], orelse: Sequence[ast.AST], now: Situation) -> None:
        if is_main_test(test):
            return
        self.visit(test, now)
        inner = replace(now, once=now.once or _asks_whether_done(test))
        self.block(body, inner)
        self.block(orelse, inner)

    def call(self, node: ast.Call, now: Situation) -> None:
        name = _called_name(node)
        self.learns = self.learns or name in _LEARNS
        called = self.functions[now.function]
        on_self = isinstance(node.func, ast.Attribute) and _root(node.func) in ("self", "cls")
        if (isinstance(node.func, ast.Name) or on_self) and not now.once:
            called.callees.append((name, on_self))
        host = isinstance(node.func, ast.Attribute) and self.is_on_host(node.func.value, now)
        moves = any("device" in part for argument in (*node.args, *node.keywords) for part in _words(argument))
        own = frozenset({name})
        self.note(node, replace(now, on_host=own if host else frozenset(), moves=own if moves else frozenset()))
        keeper = self.container(node.func.value, now) if name in _ADDS and isinstance(node.func, ast.Attribute) else ""
        self.children(node, replace(now, kept=keeper) if keeper else now)

    def note(self, node: ast.expr, situation: Situation) -> None:
        start = (self.source.path, node.lineno, self.column(node.lineno, node.col_offset))
        outer = self.found.get(start)
        if outer is not None:
            own, moves = outer.on_host | situation.on_host, outer.moves | situation.moves
            situation = replace(outer, on_host=own, moves=moves)
        self.found[start] = situation

    def literal(self, node: ast.Constant) -> None:
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            start, end = (self.column(node.lineno, offset) for offset in (node.col_offset, node.end_col_offset))
            place = Place(self.source.path, node.lineno, start, end)
            self.literals[self.source.path, node.lineno, node.col_offset] = place

    def column(self, line: int, offset: int) -> int:
        """The column, from 1, of an offset in UTF-8 bytes."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return 1 + (offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace")))

    def function(self, node: Function, now: Situation) -> None:
        decorators = {_called_name(decorator) for decorator in node.decorator_list}
        self.block([*node.decorator_list, node.args], now)
        name = f"{now.function}.{node.name}" if now.function else f"{self.owner}.{node.name}".lstrip(".")
        self.functions[name] = _Called(self.owner, _phase_of(node.name, decorators))
        inner = Situation(
            function=name,
            in_coroutine=isinstance(node, ast.AsyncFunctionDef),
            once=bool(decorators & _CACHES),
            without_gradients=bool(decorators & _NO_GRADIENTS),
        )
        self.block(node.body, inner)

    def class_(self, node: ast.ClassDef, now: Situation) -> None:
        if any(ast.unparse(base).endswith(_NETWORKS) for base in node.bases):
            self.modules.add(f"{self.source.module}.{node.name}")
        self.block([*node.decorator_list, *node.bases], now)
        outer, self.owner = self.owner, node.name
        self.block(node.body, replace(now, loop=False))
        self.owner = outer

    def bind(self, target: ast.AST, value: ast.expr, now: Situation) -> None:
        """Remember the names that hold something in main memory."""
        names = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
        function = self.functions[now.function]
        function.bound |= {target.id} if isinstance(target, ast.Name) else set()
        if self.is_on_host(value, now) or any(self.is_on_host(part, now) for part in _zipped(value)):
            function.host |= names

    def is_on_host(self, node: ast.expr, now: Situation) -> bool:
        """Whether `node` was copied to main memory on its way, or was made there."""
        for part in _spine(node):
            match part:
                case ast.Call(func=ast.Attribute(attr=name)) if name in _TO_HOST:
                    return True
                case ast.Call(func=ast.Name(id="range" | "len" | "open" | "sorted" | "str" | "int" | "float")):
                    return True
                case ast.Name(id=name):
                    return name in _HOST_LIBRARIES or name in self.functions[now.function].host
        return False

    def keeper(self, target: ast.expr, now: Situation) -> str:
        """The global name through which what is assigned to `target` outlives the call, empty when it does not."""
        if isinstance(target, ast.Name):
            return target.id if now.function and target.id in self.globals else ""
        return self.container(target.value, now) if isinstance(target, ast.Subscript) else ""

    def container(self, node: ast.expr, now: Situation) -> str:
        """The name of a global container, empty for one that belongs to the function."""
        name = node.id if isinstance(node, ast.Name) else ""
        return name if now.function and name in self.tops - self.functions[now.function].bound else ""

    def resolved(self) -> Iterator[tuple[tuple[str, int, int], Situation]]:
        """All situations with their phases, after these have spread from the callers to the called."""
        pending = [name for name, function in self.functions.items() if function.phases]
        while pending:
            name = pending.pop()
            caller = self.functions[name]
            for callee, on_self in caller.callees:
                for target in self._targets(callee, caller.owner if on_self else ""):
                    function = self.functions[target]
                    fresh = caller.phases - function.phases
                    if fresh:
                        function.phases |= fresh
                        pending.append(target)
        for start, situation in self.found.items():
            yield start, replace(situation, phases=frozenset(self.functions[situation.function].phases))

    def _targets(self, name: str, owner: str) -> list[str]:
        """The functions that `name()` or `self.name()` may call; for a class, what makes an object of it."""
        wanted = f"{owner}.{name}" if owner else name
        return [target for target in (wanted, f"{name}.__init__") if target in self.functions]


def _phase_of(name: str, decorators: set[str]) -> Phase | None:
    """When a function runs, as its name and its decorators tell; jobs that prepare something serve nobody."""
    if decorators & _START_DECORATORS or (name in _STARTS and not decorators & _REQUEST_DECORATORS):
        return Phase.START
    if name in _REQUESTS or (decorators & _REQUEST_DECORATORS and not any(word in name for word in _ASIDE)):
        return Phase.REQUEST
    return None


def _asks_whether_done(test: ast.expr) -> bool:
    """Whether a test is about having done something before: None, a missing entry or attribute, a plain `not x`."""
    for part in ast.walk(test):
        match part:
            case ast.Compare(ops=ops) if any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops):
                return True
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Call(func=ast.Name(id="hasattr")):
                return True
            case ast.Compare(ops=[ast.NotEq()]):
                return True  # `if wanted != loaded:` loads when something else is asked for
    return False


def _returns_what_is_done(node: ast.If) -> bool:
    """Whether an `if` is like `if model: return model` or `if self.loaded == name: return`: what follows runs once."""
    last = node.body[-1]
    if node.orelse or not isinstance(last, ast.Return):
        return False
    if last.value is None:
        return "self" in _words(node.test)
    return bool(set(_words(node.test)) & set(_words(last.value)) - {"self"}) and not isinstance(last.value, ast.Dict)


def _goes_one_by_one(target: ast.expr, source: ast.expr) -> bool:
    """Whether a loop takes its items one by one where it could take them together.

    It could not when it goes over batches, which a name or a range in steps tells, or over the few entries of a dict.
    """
    if isinstance(source, ast.Call):
        name = _called_name(source)
        if name in ("items", "values") or (name == "range" and len(source.args) == 3):
            return False
    words = {word for node in (target, source) for word in _words(node)}
    return not any(part in word.lower() for word in words for part in _BATCHES)


def _streams(body: Sequence[ast.stmt]) -> bool:
    """Whether each turn of a loop waits for something or hands something out, so it cannot be taken with others."""
    return any(isinstance(part, ast.Yield | ast.Await) for statement in body for part in ast.walk(statement))


def _words(node: ast.AST) -> Iterator[str]:
    """All names and attributes in `node`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _words_end(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _called_name(node: ast.expr) -> str:
    """The last part of what a call or a decorator names."""
    while isinstance(node, ast.Call):
        node = node.func
    return _words_end(node)


def _spine(node: ast.expr) -> Iterator[ast.expr]:
    """`a.b(c)[d].e` from the outside to the name that it starts with."""
    inner: ast.expr | None = node
    while inner is not None:
        yield inner
        match inner:
            case (
                ast.Call(func=next_) | ast.Attribute(value=next_) | ast.Subscript(value=next_) | ast.Await(value=next_)
            ):
                inner = next_
            case _:
                inner = None


def _root(node: ast.expr) -> str:
    """The name that an expression starts with when exactly one attribute follows, else empty."""
    return node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""


def _zipped(node: ast.expr) -> list[ast.expr]:
    """What `zip`, `enumerate` and their like go over."""
    return list(node.args) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else []
