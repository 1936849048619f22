"""GA405: a loop gathers inputs, and a model works on them at once."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.calls import LONG_METHODS, is_model_call
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for file in facts.files:
        for call in file.calls:
            computes = is_model_call(call, frozenset(), methods=LONG_METHODS | {"embed"})
            if computes and (call.place.line, call.place.column) in file.gathered:
                yield Hit(call.place, "works on a batch that a loop has gathered", "gathered")


RULE = Rule(
    code="GA405",
    name="gathered-batch",
    summary="A loop gathers inputs in a list, and a model is called once with all of them.",
    rationale="That is a batch by hand: the caller decides how large it is, and a GPU works on many inputs in about "
    "the time of one. A conversation, whose items have a role, is no batch.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"gathered": 0.5},
    words="pipeline sentence_ torch transformers whisper",
    matches=(
        (
            "import torch\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained(path)\n"
            "def handler(payload):\n    batch = []\n    for item in payload:\n"
            "        batch.append(torch.tensor(item))\n    return model(torch.stack(batch)).logits.tolist()"
        ),
        (
            "from sentence_transformers import SentenceTransformer\nmodel = SentenceTransformer(path)\n"
            "def handler(payload):\n    texts = [part.strip() for part in payload]\n    return model.encode(texts)"
        ),
        (
            "from transformers import AutoModel, AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained(path)\n"
            "model = AutoModel.from_pretrained(path)\ndef handler(payload):\n    texts = []\n"
            "    for item in payload:\n        texts.append(item['text'])\n"
            "    inputs = tokenizer(texts, return_tensors='pt', padding=True)\n    inputs = inputs.to('cpu')\n"
            "    return model(**inputs).logits.tolist()"
        ),
    ),
    passes=(
        (
            "from transformers import pipeline\npipe = pipeline('text-generation', model=path)\n"
            "def handler(payload):\n    messages = []\n    for turn in payload:\n"
            "        messages.append({'role': 'user', 'content': turn})\n    return pipe(messages)"
        ),
        (
            "import torch\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained(path)\n"
            "def handler(payload):\n    results = []\n    for item in payload:\n        results.append(model(item))\n"
            "    return torch.stack(results).tolist()"
        ),
        (
            "from transformers import pipeline\npipe = pipeline('summarization', model=path)\n"
            "def handler(payload):\n    lines = []\n    for line in payload:\n        lines.append(line)\n"
            "    return pipe('\\n'.join(lines))"
        ),
    ),
)
