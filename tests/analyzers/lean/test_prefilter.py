from analyzers.lean.prefilter import may_hold_evidence
from analyzers.rules.examination import evidence_rules


def test_every_word_of_a_rule_lets_a_file_through() -> None:
    words = {word for rule in evidence_rules() for word in rule.words.split()}

    assert all(may_hold_evidence(word.encode()) for word in words)


def test_a_file_about_something_else_is_left_out() -> None:
    assert not may_hold_evidence(b"import json\n\n\ndef handler(payload):\n    return json.dumps(payload)\n")
