"""Everything that is shown goes through one module, which keeps foreign text from steering terminals and runners."""

import ast

from tests.architecture.sources import Module, listed, modules

CONSOLE = "gaia_cli/views/console.py"
WRITERS = {
    *(f"sys.{stream}.{call}" for stream in ("stdout", "stderr") for call in ("write", "writelines", "buffer.write")),
    "print", "pprint", "Console", "rich.print",
}  # fmt: skip


def writers(module: Module) -> list[str]:
    calls = [ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return [name for name in calls if name in WRITERS]


def test_only_the_console_writes_to_the_streams_of_the_command_line() -> None:
    elsewhere = [
        f"{module.path} calls {name}"
        for module in modules()
        if module.path.startswith(("gaia_cli/", "analyzers/")) and module.path != CONSOLE
        for name in writers(module)
    ]

    assert not elsewhere, listed(f"show it with {CONSOLE}", elsewhere)


def test_the_console_is_seen_to_write() -> None:
    console = next(module for module in modules() if module.path == CONSOLE)

    assert {"sys.stdout.write", "sys.stdout.buffer.write", "sys.stderr.write"} <= set(writers(console))
