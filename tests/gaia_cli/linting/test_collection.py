from analyzers.findings import Finding, Place, Signal
from analyzers.formats.findings import Level
from analyzers.formats.fingerprints import fingerprint
from analyzers.lean.records import replace
from analyzers.linting.results import FileResult
from gaia_cli.linting.collection import collected, said_once
from gaia_cli.linting.configuration import Configuration
from gaia_cli.linting.selection import Selection

CONFIGURATION = Configuration((), (), "/root", "/root", Selection(select=("ALL",)), Level.WARNING)


def found(code: str, line: int, excerpt: str = "x = 1") -> Finding:
    return Finding(code, Place("a.py", line), "message", 0.0, Signal.SWITCHABILITY, excerpt)


def collect(*findings: Finding) -> list[tuple[str, int]]:
    results = [FileResult("a.py", findings)]
    return [(finding.code, finding.line) for finding in collected(results, CONFIGURATION, {})]


def test_findings_are_in_the_order_of_their_places() -> None:
    assert collect(found("GA701", 9), found("GA702", 2), found("GA201", 2)) == [
        ("GA201", 2),
        ("GA702", 2),
        ("GA701", 9),
    ]


def test_an_entangled_file_is_reported_once() -> None:
    assert collect(found("GA905", 3), found("GA905", 5), found("GA701", 7)) == [("GA905", 3), ("GA701", 7)]


def test_what_one_change_mends_is_said_once_a_file_with_the_number_of_its_places() -> None:
    results = [FileResult("a.py", (found("GA701", 3), found("GA701", 8), found("GA702", 9)))]
    own = list(collected(results, CONFIGURATION, {}))
    many = [replace(one, path="b.py", line=line) for one in own[:1] for line in (1, 2, 3)]
    said = [(one.line, one.message) for one in said_once([*own, *many])]

    assert said == [
        (3, "message (also at one more place in this file)"),
        (9, "message"),
        (1, "message (also at 2 more places in this file)"),
    ]


def test_equal_findings_on_equal_lines_have_fingerprints_of_their_own() -> None:
    results = [FileResult("a.py", (found("GA701", 3), found("GA701", 8), found("GA701", 9, "y = 1")))]
    prints = [fingerprint(finding) for finding in collected(results, CONFIGURATION, {})]

    assert len(set(prints)) == 3
