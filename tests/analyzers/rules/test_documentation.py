import runpy
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def test_the_registry_and_the_pages_of_the_rules_are_current() -> None:
    script = runpy.run_path(str(_ROOT / "scripts" / "document_rules.py"))
    rules = script["discovered"]()
    expected = script["pages"](rules)
    written = {page.name: page.read_text(encoding="utf-8") for page in (_ROOT / "docs" / "rules").glob("*.md")}

    assert written == expected, "run: python scripts/document_rules.py"
    assert script["REGISTRY"].read_text(encoding="utf-8") == script["registry"](rules), "the same"


def test_the_analyzer_page_names_the_prior_that_the_verdict_uses() -> None:
    from analyzers.calibration import PRIOR

    assert f"minus {-PRIOR:g}" in (_ROOT / "docs" / "analyzer.md").read_text(encoding="utf-8")
