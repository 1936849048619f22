"""Functions for CloudEvents: Knative's second template, and handlers that take an event of the SDK's two versions."""

from tests.support.form_projects.model import EVENT, HELLO, FormProject

EVENTS = (
    FormProject(
        "cloudevents-template",
        "cloudevents",
        "function/func.py",
        {
            "function/__init__.py": "from .func import new\n",
            "function/func.py": """
                from cloudevents.http import CloudEvent

                def new():
                    return Function()

                class Function:
                    async def handle(self, scope, receive, send):
                        name = scope["event"].get_data()["name"]
                        await send(CloudEvent({"type": "greeting", "source": "me"}, {"hello": name}))
            """,
            "pyproject.toml": '[project]\nname = "function"\nversion = "1"\ndependencies = ["cloudevents<2"]\n',
        },
        {"type": "greeting", "data": HELLO},
        headers=EVENT,
    ),
    FormProject(
        "cloudevents-sdk-1",
        "cloudevents",
        "func.py",
        {
            "func.py": """
                from cloudevents.http import CloudEvent

                def handle(event: CloudEvent):
                    return CloudEvent({"type": "greeting", "source": "me"}, {"hello": event.data["name"]})
            """,
            "requirements.txt": "cloudevents<2\n",
        },
        headers=EVENT,
    ),
    FormProject(
        "cloudevents-sdk-2",
        "cloudevents",
        "func.py",
        {
            "func.py": """
                from cloudevents.core.v1.event import CloudEvent

                async def handle(event: CloudEvent):
                    told = {"id": "1", "source": "me", "type": "greeting", "specversion": "1.0"}
                    return CloudEvent(told, {"hello": event.get_data()["name"]})
            """,
            "requirements.txt": "cloudevents>=2\n",
        },
        headers=EVENT,
    ),
)
