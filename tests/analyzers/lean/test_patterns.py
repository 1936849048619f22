import re

import pytest

from analyzers.lean.patterns import AnyOf
from analyzers.lean.tables import words
from analyzers.rules.knowledge.model_sizes import sizes

_NAMES = words(
    "runwayml/stable-diffusion-v1-5 SDXL_turbo sd-turbo meta-llama/Llama-2-7b mistralai/Mixtral "
    "openai/whisper-large-v3 large medium.en turbo facebook/opt-1.3b opt-125m bert-base google/flan-t5-xxl "
    "T5-Large dinov2-giant clip-vit-l-14 blip2 r-cnn yolov8n.pt bloomz-560m gpt2-xl gpt-j-6b all-MiniLM-L6-v2 "
    "kokoro vit-b-16 phi-3 phi3 wan2.1 FLUX.1-dev sd3 piper resnet"
)


def test_any_of_many_is_what_one_expression_of_all_would_find() -> None:
    families = sizes()["FAMILIES"]
    for size in set(families.values()):
        patterns = " ".join(pattern for pattern, known in families.items() if known == size)
        whole = re.compile("|".join(patterns.split()), re.IGNORECASE)

        assert {name: AnyOf(patterns).found_in(name) for name in _NAMES} == {
            name: whole.search(name) is not None for name in _NAMES
        }


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ab?c", "AC"),
        ("ab*", "a"),
        ("a{0}b", "b"),
        ("one|two", "two"),
        ("^x(y|z)", "XZ"),
        (r"\bab", "c ab"),
        ("(a|b)c", "bc"),
    ],
)
def test_no_letters_are_asked_for_that_a_match_does_without(pattern: str, text: str) -> None:
    assert AnyOf(pattern).found_in(text)
