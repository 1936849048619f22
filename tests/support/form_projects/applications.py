"""WSGI applications of Flask and Django."""

from tests.support.form_projects.model import FormProject

APPLICATIONS = (
    FormProject(
        "flask",
        "wsgi",
        "app.py",
        {
            "app.py": """
                from flask import Flask, jsonify, request

                app = Flask(__name__)

                @app.post("/greet/<word>")
                def greet(word):
                    return jsonify({word: request.json["name"]})
            """,
            "requirements.txt": "flask>=3\n",
        },
        path="/greet/hello",
        is_first_image=True,
    ),
    FormProject(
        "django",
        "wsgi",
        "site_of_mine/wsgi.py",
        {
            "manage.py": "import sys\n\nfrom django.core.management import execute_from_command_line\n\n"
            'if __name__ == "__main__":\n    execute_from_command_line(sys.argv)\n',
            "site_of_mine/__init__.py": "",
            "site_of_mine/settings.py": """
                ALLOWED_HOSTS = ["*"]
                ROOT_URLCONF = "site_of_mine.urls"
                SECRET_KEY = "only for this test"
            """,
            "site_of_mine/urls.py": """
                import json

                from django.http import JsonResponse
                from django.urls import path

                def greet(request):
                    return JsonResponse({"hello": json.loads(request.body)["name"]})

                urlpatterns = [path("greet/", greet)]
            """,
            "site_of_mine/wsgi.py": """
                import os

                from django.core.wsgi import get_wsgi_application

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_mine.settings")
                application = get_wsgi_application()
            """,
            "requirements.txt": "django>=5\n",
            "gaia.toml": '[function]\nentrypoint = "site_of_mine/wsgi.py"\n',
        },
        imports=("site_of_mine/settings.py", "site_of_mine/urls.py"),
        path="/greet/",
    ),
)
