import runpy
from pathlib import Path

import pytest

from runtime_images.events.codec import EVENTS, plan_of
from runtime_images.events.model import Event

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_events_says_what_the_types_say() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "document_events.py"))

    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == script["page"](), (
        "run: python scripts/document_events.py"
    )


def test_the_published_schemas_say_what_the_types_say() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "document_schemas.py"))
    published = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "schemas").iterdir()}

    assert published == script["texts"](), "run: python scripts/document_schemas.py"


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_field_of_an_event_is_described(event: type[Event]) -> None:
    rows = runpy.run_path(str(ROOT / "scripts" / "document_events.py"))["_rows"](event)

    assert {plan.wire_name for plan in plan_of(event)} <= {field for field, _, _ in rows}
    assert all(meaning for _, _, meaning in rows)
