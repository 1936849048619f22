"""What a piece of code is for, by its shape: asking whether something was done, going over batches."""

import ast
from collections.abc import Sequence

from analyzers.facts.syntax import called_name, spine, word_of, words
from analyzers.project.parsing import nodes_of

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_BATCHES = ("batch", "loader", "chunk")
TO_HOST = frozenset({"cpu", "numpy", "tolist", "asarray", "array", "item"})
_LONG = frozenset({"generate", "inference", "infer", "transcribe", "synthesize", "tts", "sample"})
"""Methods of models that compute for so long that they are called one by one."""
_DECODERS = frozenset({"vae", "codec", "vocoder", "snac", "autoencoder"})
SETS = frozenset(
    {"set_num_threads", "set_num_interop_threads", "set_intra_op_parallelism_threads", "putenv", "setdefault"}
)
"""What sets something for the whole process."""
_COUNTERS = frozenset({"_", "i", "step"})
_CASTS = frozenset({"to", "float", "half", "bfloat16", "detach", "clone", "contiguous"})
_NETWORKS = ("nn.Module", "LightningModule", "PreTrainedModel")
_MADE_ON_HOST = frozenset({"range", "len", "open", "sorted", "str", "int", "float"})
_HOST_LIBRARIES = frozenset({"np", "numpy", "pd", "pandas", "Image", "cv2", "json", "math", "random", "os"})


def asks_whether_done(test: ast.expr) -> bool:
    """Return whether a test asks for something done before: None, a missing entry or attribute, a plain `not x`."""
    for part in nodes_of(test):
        match part:
            case ast.Compare(ops=ops) if any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops):
                return True
            case ast.UnaryOp(op=ast.Not()) | ast.Call(func=ast.Name(id="hasattr")) | ast.Compare(ops=[ast.NotEq()]):
                return True  # `wanted != loaded` loads when something else is asked for
    return False


def returns_what_is_done(node: ast.If) -> bool:
    """Return whether what follows runs once, as after `if model: return model` or `if self.loaded == name: return`."""
    last = node.body[-1]
    if node.orelse or not isinstance(last, ast.Return):
        return False
    if last.value is None:
        return "self" in words(node.test)
    return bool(set(words(node.test)) & set(words(last.value)) - {"self"}) and not isinstance(last.value, ast.Dict)


def repeats(node: ast.For, *, in_network: bool) -> bool:
    """Return whether a loop does item by item what it could do once."""
    one_by_one = goes_one_by_one(node.target, node.iter, in_network=in_network)
    return one_by_one and not (_takes_its_time(node.body) or _goes_over_entries(node) or _decides_itself(node))


def _decides_itself(node: ast.For) -> bool:
    """Return whether a loop counts its turns and may end early: each turn waits for what the one before has found."""
    counts = "range" in words(node.iter) or (isinstance(node.target, ast.Name) and node.target.id in _COUNTERS)
    return counts and any(isinstance(part, ast.Break) for statement in node.body for part in nodes_of(statement))


def _goes_over_entries(node: ast.For) -> bool:
    """Return whether a loop goes over the few entries of a dict, as in `for key in inputs: use(inputs[key])`."""
    parts = [part for statement in node.body for part in nodes_of(statement) if isinstance(part, ast.Subscript)]
    if not parts:
        return False
    whole, key = ast.dump(node.iter), ast.unparse(node.target)
    return any(ast.unparse(part.slice) == key and ast.dump(part.value) == whole for part in parts)


def goes_one_by_one(target: ast.expr, source: ast.expr, *, in_network: bool) -> bool:
    """Return whether a loop takes its items one by one where it could take them together.

    It could not when it goes over batches, as a name or a range in steps shows, over the few entries of a dict, or over
    the layers of a network.
    """
    if in_network and isinstance(source, ast.Attribute):
        return False
    if isinstance(source, ast.Call):
        name = called_name(source)
        if name in ("items", "values") or (name == "range" and len(source.args) == 3):
            return False
    names = {word.lower() for node in (target, source) for word in words(node)}
    return not any(part in name for name in names for part in _BATCHES)


def makes_one_by_one(node: Comprehension, part: ast.comprehension, *, in_network: bool) -> bool:
    """Return whether a comprehension takes its items one by one; what only moves a few tensors that are there does not.

    These, as in `tuple(one.to(device) for one in kept)`, have shapes of their own and fit into no single tensor.
    """
    made = node.value if isinstance(node, ast.DictComp) else node.elt
    match made:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="to" | "cuda")):
            if name in words(part.target):
                return False
    return goes_one_by_one(part.target, part.iter, in_network=in_network)


def is_result(node: ast.expr) -> bool:
    """Return whether `node` is a tensor that something else holds, as in `one.outputs[0].scores`, at most cast."""
    parts = list(spine(node))
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    held = any(isinstance(part, ast.Attribute) and id(part) not in called for part in parts)
    return held and all(called_name(part) in _CASTS for part in parts if isinstance(part, ast.Call))


def asked_for_kind(node: ast.Call) -> str:
    """Return the name that begins what a call asks for its kind, as `isinstance(x, float)` does; empty for another.

    What may be a number as well is brought to one form, and is no tensor that waits for a device.
    """
    match node:
        case ast.Call(func=ast.Name(id="isinstance" | "hasattr"), args=[asked, kind]) if "Tensor" not in words(kind):
            return next((part.id for part in spine(asked) if isinstance(part, ast.Name)), "")
    return ""


def _takes_its_time(body: Sequence[ast.stmt]) -> bool:
    """Return whether each turn of a loop waits, yields or lets a model work: beside that a copy costs nothing."""
    return any(
        isinstance(part, ast.Yield | ast.Await) or (isinstance(part, ast.Call) and _is_long(part))
        for statement in body
        for part in nodes_of(statement)
    )


def _is_long(call: ast.Call) -> bool:
    """Return whether a model computes for long: it generates, or turns what was generated into a picture or a sound."""
    name = called_name(call)
    return name in _LONG or (name == "decode" and any(word.lower() in _DECODERS for word in words(call.func)))


def asks_for_place(test: ast.expr) -> bool:
    """Return whether a test is about where somebody wants the work done: on several GPUs, or on the CPU."""
    return _asks_for_several(test) or any(map(asks_for_cpu, test.values if isinstance(test, ast.BoolOp) else [test]))


def _asks_for_several(test: ast.expr) -> bool:
    """Return whether a test is about work in parallel on several GPUs, which nobody asks for without any."""
    return any("parallel" in word_of(part).lower() for part in nodes_of(test))


def asks_for_cpu(test: ast.expr) -> bool:
    """Return whether a test is a wish for the CPU, as `args.use_cpu` is: where it fails a GPU is asked for."""
    match test:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            return "cpu" in word.lower()
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[ast.Constant(value=True)]):
            return asks_for_cpu(left)
    return False


def is_asked(value: ast.expr, tests: Sequence[ast.expr]) -> bool:
    """Return whether `value` is what one of the `tests` around it asks for, as in `if args.gpus: use(args.gpus)`."""
    wanted = _mentioned(value) if tests else frozenset()
    return any(not wanted.isdisjoint(_mentioned(test)) for test in tests)


def is_handed_in(value: ast.expr, parameters: frozenset[str]) -> bool:
    """Return whether `value` is made of a function's parameters alone: the choice is its caller's."""
    names = [part.id for part in nodes_of(value) if isinstance(part, ast.Name) and part.id != "str"]
    return bool(names) and parameters.issuperset(names)


def _mentioned(node: ast.expr) -> frozenset[str]:
    """Return the names and the chains of attributes in `node`, as a whole, but for what is called."""
    parts = list(nodes_of(node))
    inner = {id(part.value) for part in parts if isinstance(part, ast.Attribute)}
    inner |= {id(part.func) for part in parts if isinstance(part, ast.Call)}
    chains = (part for part in parts if isinstance(part, ast.Attribute | ast.Name) and id(part) not in inner)
    return frozenset(map(ast.unparse, chains))


def is_network(node: ast.ClassDef) -> bool:
    """Return whether a class is a PyTorch network."""
    return any(ast.unparse(base).endswith(_NETWORKS) for base in node.bases)


def only_moves(target: ast.expr, value: ast.expr) -> bool:
    """Return whether an assignment is like `self.net = self.net.to(...)`, which only changes the place of a value."""
    own = ast.dump(target).replace("Store()", "Load()") if isinstance(target, ast.Attribute) else ""
    return own != "" and any(ast.dump(part) == own for part in spine(value) if isinstance(part, ast.Attribute))


def _names_cpu(call: ast.Call) -> bool:
    """Return whether a call of `to` moves to main memory, as `to("cpu")` and `to(torch.device("cpu"))` do."""
    given = [*call.args, *(one.value for one in call.keywords)]
    return any(isinstance(part, ast.Constant) and part.value == "cpu" for one in given for part in nodes_of(one))


def is_on_host(node: ast.expr, held: set[str]) -> bool:
    """Return whether `node` was copied to main memory on its way, or was made there; so are the names in `held`."""
    for part in spine(node):
        match part:
            case ast.Call(func=ast.Attribute(attr=name)) if name in TO_HOST:
                return True
            case ast.Call(func=ast.Attribute(attr="to")) if _names_cpu(part):
                return True
            case ast.Call(func=ast.Name(id=name)) if name in _MADE_ON_HOST:
                return True
            case ast.Name(id=name):
                return name in _HOST_LIBRARIES or name in held
    return False
