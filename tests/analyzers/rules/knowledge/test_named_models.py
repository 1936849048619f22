from analyzers.rules.knowledge.named_models import models
from tests.analyzers.support import facts_of

_BOTH = (
    "from transformers import AutoModel, AutoTokenizer\nNAME = 'gemma-2b'\n"
    "tokenizer = AutoTokenizer.from_pretrained(NAME)\nmodel = AutoModel.from_pretrained(NAME)\n"
)


def test_a_model_stands_where_it_is_loaded_and_not_where_its_tokenizer_is() -> None:
    (model,) = models(facts_of(_BOTH))
    assert model.place.line == 4


def test_a_model_of_which_only_the_tokenizer_is_loaded_is_none() -> None:
    assert not list(models(facts_of(_BOTH.rpartition("model =")[0])))
