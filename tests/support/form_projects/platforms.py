"""Functions as other platforms want them: functions-framework, cog, RunPod and Lambda."""

from tests.support.form_projects.model import EVENT, HELLO, FormProject

PLATFORMS = (
    FormProject(
        "functions-framework-http",
        "functions-framework",
        "main.py",
        {
            "main.py": """
                import functions_framework

                from words import GREETING

                @functions_framework.http
                def greet(request):
                    return {GREETING: request.get_json()["name"]}
            """,
            "words.py": 'GREETING = "hello"\n',
            "requirements.txt": "functions-framework==3.*\n",
        },
        imports=("words.py",),
    ),
    FormProject(
        "functions-framework-cloud-event",
        "functions-framework",
        "main.py",
        {
            "main.py": """
                import functions_framework

                @functions_framework.cloud_event
                def greet(cloud_event):
                    print(cloud_event["type"], cloud_event.data["name"])
            """,
            "requirements.txt": "functions-framework==3.*\n",
        },
        "OK",
        headers=EVENT,
    ),
    FormProject(
        "functions-framework-undecorated",
        "functions-framework",
        "main.py",
        {
            "main.py": """
                def greet(request):
                    return {"hello": request.get_json(silent=True)["name"]}
            """,
            "requirements.txt": "functions-framework==3.*\n",
            "gaia.toml": '[function]\nentrypoint = "main.py:greet"\n',
        },
    ),
    FormProject(
        "functions-framework-background",
        "functions-framework",
        "main.py",
        {
            "main.py": """
                import base64

                def greet(event, context):
                    print(base64.b64decode(event["data"]).decode(), context.event_id)
            """,
            "gaia.toml": '[function]\nentrypoint = "main.py:greet"\n',
        },
        "OK",
        body=(
            b'{"context": {"eventId": "7", "timestamp": "t", "eventType": "e", "resource": "r"},'
            b' "data": {"data": "QWRh"}}'
        ),
    ),
    FormProject(
        "cog",
        "cog",
        "predict.py",
        {
            "predict.py": """
                import idna
                from cog import BasePredictor, Input

                class Predictor(BasePredictor):
                    def setup(self):
                        self.word = "hello"

                    def predict(self, name: str = Input(description="whom to greet")) -> str:
                        return f"{self.word} {idna.decode(name)}"
            """,
            "cog.yaml": """
                build:
                  python_packages:
                    - idna==3.*
                predict: "predict.py:Predictor"
            """,
            "requirements.txt": "no-such-package-at-all\n",
        },
        {"status": "succeeded", "output": "hello ada"},
        path="/predictions",
        body=b'{"input": {"name": "Ada"}}',
    ),
    FormProject(
        "runpod",
        "runpod",
        "rp_handler.py",
        {
            "rp_handler.py": """
                import runpod

                def handler(job):
                    return {"hello": job["input"]["name"]}

                if __name__ == "__main__":
                    runpod.serverless.start({"handler": handler})
            """,
            "requirements.txt": "runpod>=1.7\n",
        },
        {"status": "COMPLETED", "output": HELLO},
        path="/runsync",
        body=b'{"input": {"name": "Ada"}}',
        is_slow=True,
    ),
    FormProject(
        "lambda",
        "lambda",
        "lambda_function.py",
        {
            "lambda_function.py": """
                import json

                def lambda_handler(event, context):
                    name = json.loads(event["body"])["name"]
                    assert context.get_remaining_time_in_millis() > 0
                    return {"statusCode": 200, "body": json.dumps({"hello": name})}
            """,
        },
    ),
)
