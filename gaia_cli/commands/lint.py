"""`gaia lint`: findings for hooks and pipelines."""

from gaia_cli.errors import ExitCode
from gaia_cli.linting.options import Options


def lint(options: Options) -> ExitCode:
    """Lint what `options` ask for, once, or again and again with --watch.

    Returns `FINDINGS` where something at or above the level of --fail-on was found, `USAGE` where Gaia itself failed.

    Raises:
        GaiaError: the options, the configuration or a file that they name cannot be used.
    """
    if options.watch:
        from gaia_cli.linting.watch import watch

        return watch(options)
    from gaia_cli.linting.run import run

    return run(options)
