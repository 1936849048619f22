from xml.etree import ElementTree as ET

from analyzers.formats import junit
from analyzers.formats.findings import Level
from tests.analyzers.formats.sample import FILES, empty_report, report


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 -- written by the test itself


def test_every_file_is_a_suite_and_every_finding_a_case() -> None:
    root = parsed(junit.render(report()))

    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == list(FILES)
    assert [len(suite.findall("testcase")) for suite in root] == [2, 1, 1]


def test_the_counts_are_those_of_the_cases() -> None:
    for text in (junit.render(report()), junit.render(empty_report())):
        for element in parsed(text).iter():
            if element.tag in ("testsuites", "testsuite"):
                for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
                    assert int(element.attrib[name]) == len(list(element.iter(tag)))


def test_only_what_makes_the_run_fail_is_a_failure() -> None:
    strict = parsed(junit.render(report(fails_from=Level.NOTE)))
    lenient = parsed(junit.render(report(fails_from=Level.ERROR)))

    assert len(list(strict.iter("failure"))) == 3
    assert [case.get("type") for case in lenient.iter("failure")] == ["error"]


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    root = parsed(junit.render(report()))

    messages = [element.get("message", "") for element in root.iter("skipped")]
    assert "50% <odd> & 'quoted'" in messages[0]
    assert "\x1b" not in messages[0]
