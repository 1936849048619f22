"""Dotted names: which file a module is, and which module an import means."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from analyzers.project.reading import Source


def module_name(path: str) -> str:
    """The dotted name under which a file is imported from the project's root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def absolute_module(source: "Source", node: "ast.ImportFrom") -> str:
    """The dotted name of the module that a `from` import names, relative dots resolved."""
    if not node.level:
        return node.module or ""
    package = source.module.split(".")
    keep = len(package) - node.level + (1 if source.is_package else 0)
    return ".".join([*package[: max(keep, 0)], *filter(None, [node.module])])
