"""Where projects keep their files and state their requirements: packages, `src/`, links, Poetry, PDM, uv."""

from tests.support.form_projects.model import FormProject

LAYOUTS = (
    FormProject(
        "new-from-another-module",
        "new",
        "function/__init__.py",
        {
            "function/__init__.py": "from .service import new\n",
            "function/service.py": """
                def new():
                    return Function()

                class Function:
                    async def handle(self, scope, receive, send):
                        assert (await receive())["body"]
                        headers = [(b"content-type", b"application/json")]
                        await send({"type": "http.response.start", "status": 200, "headers": headers})
                        await send({"type": "http.response.body", "body": b'{"hello": "Ada"}'})
            """,
        },
        imports=("function/service.py",),
    ),
    FormProject(
        "plain-function-called-handle",
        "handler",
        "service.py",
        {
            "service.py": 'def handle(request):\n    return {"hello": request["name"]}\n',
            "gaia.toml": '[function]\nentrypoint = "service.py:handle"\n',
        },
    ),
    FormProject(
        "src-layout",
        "handler",
        "src/main.py",
        {
            "src/main.py": """
                from greeting.words import GREETING
                from spoken import spoken

                def handler(payload):
                    return {GREETING: spoken(payload["name"])}
            """,
            "src/spoken.py": "def spoken(name):\n    return name.title()\n",
            "src/greeting/__init__.py": "",
            "src/greeting/words.py": 'GREETING = "hello"\n',
        },
        imports=("src/greeting/words.py", "src/spoken.py"),
    ),
    FormProject(
        "package-in-src",
        "handler",
        "src/greeter/service.py",
        {
            "src/greeter/__init__.py": "",
            "src/greeter/service.py": """
                from greeter.words import GREETING

                from .names import spoken

                def handler(payload):
                    return {GREETING: spoken(payload["name"])}
            """,
            "src/greeter/words.py": 'GREETING = "hello"\n',
            "src/greeter/names.py": "def spoken(name):\n    return name.title()\n",
            "gaia.toml": '[function]\nentrypoint = "src/greeter/service.py"\n',
        },
        imports=("src/greeter/names.py", "src/greeter/words.py"),
        is_first_image=True,
    ),
    FormProject(
        "links",
        "handler",
        "main.py",
        {
            "current/code.py": """
                from words import GREETING

                def handler(payload):
                    return {GREETING: payload["name"]}
            """,
            "current/words.py": 'GREETING = "hello"\n',
        },
        links={"main.py": "current/code.py", "words.py": "current/words.py"},
        imports=("words.py",),
    ),
    FormProject(
        "poetry",
        "handler",
        "main.py",
        {
            "main.py": """
                import idna

                def handler(payload):
                    return {"hello": idna.decode(payload["name"]), "locked": idna.__version__}
            """,
            "poetry.lock": """
                [[package]]
                name = "idna"
                version = "3.6"
                files = [{file = "idna-3.6-py3-none-any.whl", hash = "sha256:0"}]
            """,
            "pyproject.toml": """
                [tool.poetry]
                name = "greeter"
                version = "0.1.0"
                package-mode = false

                [tool.poetry.dependencies]
                python = "^3.9"
                idna = "^3.4"

                [tool.poetry.group.dev.dependencies]
                no-such-package-at-all = "*"
            """,
        },
        {"hello": "ada", "locked": "3.6"},
    ),
    FormProject(
        "pdm",
        "handler",
        "src/app.py",
        {
            "src/app.py": 'import idna\n\ndef handler(payload):\n    return {"hello": idna.decode(payload["name"])}\n',
            "pyproject.toml": """
                [project]
                name = "greeter"
                version = "0.1.0"
                requires-python = ">=3.9"
                dependencies = ["idna~=3.4"]

                [dependency-groups]
                dev = ["no-such-package-at-all"]

                [tool.pdm]
                distribution = false
            """,
        },
        {"hello": "ada"},
    ),
    FormProject(
        "uv",
        "handle",
        "src/greeter/main.py",
        {
            "src/greeter/__init__.py": "",
            "src/greeter/main.py": """
                from typing import Any

                from fastapi import FastAPI

                from greeter.words import GREETING

                app = FastAPI()

                @app.post("/")
                async def greet(body: dict[str, Any]) -> dict[str, str]:
                    return {GREETING: body["name"]}
            """,
            "src/greeter/words.py": 'GREETING = "hello"\n',
            "pyproject.toml": """
                [project]
                name = "greeter"
                version = "0.1.0"
                requires-python = ">=3.9"
                dependencies = ["fastapi>=0.115"]

                [dependency-groups]
                dev = ["no-such-package-at-all"]

                [build-system]
                requires = ["uv_build>=0.7"]
                build-backend = "uv_build"

                [tool.gaia.function]
                entrypoint = "src/greeter/main.py:app"
            """,
        },
        imports=("src/greeter/words.py",),
    ),
)
