"""`gaia version`."""

from gaia_cli.errors import ExitCode
from gaia_cli.version import __version__


def version(output_format: str = "full") -> ExitCode:
    """Print the version; as JSON also the Python and the platform, for reports made by programs."""
    from gaia_cli.views import console

    if output_format == "json":
        import platform

        from gaia_cli.views.outputs import OUTPUT_SCHEMA, VersionOutput

        console.json_line(
            VersionOutput(
                schema_version=OUTPUT_SCHEMA,
                gaia=__version__,
                python=platform.python_version(),
                platform=platform.platform(),
            )
        )
    else:
        console.result(f"gaia {__version__}")
    return ExitCode.OK
