"""GA706: a coroutine blocks the event loop."""

from analyzers.facts.contexts.model import Phase
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.calls import LONG_METHODS, is_model_call
from analyzers.rules.knowledge.waiting import WORDS, waits
from analyzers.rules.rule import Hit, Hits


def _check(behaviour: Behaviour) -> Hits:
    seen: set[tuple[int, int]] = set()
    for call, context in behaviour.calls():
        elsewhere = bool(context.phases) and context.phases <= {Phase.START, Phase.CLIENT}
        start = (call.place.line, call.place.column)
        if not context.in_coroutine or context.awaited or elsewhere or call.is_decorator or start in seen:
            continue
        if waits(call):
            seen.add(start)  # a chain of calls begins at one place
            yield Hit(call.place, f"{call.name}() blocks the event loop of an async handler; await it or use a thread")
        elif is_model_call(call, behaviour.contexts.modules, methods=LONG_METHODS):
            seen.add(start)
            yield Hit(call.place, "a model computes in an async handler and blocks its event loop; use a thread")


RULE = switchability_rule(
    code="GA706",
    name="blocking-in-coroutine",
    summary="An async handler blocks its event loop.",
    rationale="While the loop is blocked the worker accepts nothing and answers no health check. What waits behind it "
    "looks like slow computing, which promotes the function to a GPU that cannot help, and a switch has to wait until "
    "it is over.",
    remedy="Use `await asyncio.to_thread(...)`, or a handler without `async`, which runs in a thread of its own.",
    confidence=0.8,
    check=_check,
    words=f"easyocr joblib llama_cpp spacy timm ultralytics {WORDS}",
    beside="async def",
    matches=(
        "import time\nasync def handler(payload):\n    time.sleep(1)",
        'import requests\nasync def handler(payload):\n    return requests.get("https://example.org").json()',
        (
            "from openai import OpenAI\nclient = OpenAI()\nasync def handler(payload):\n"
            '    return client.chat.completions.create(model="a", messages=payload)'
        ),
        "import time\ndef pause():\n    time.sleep(1)\nasync def handler(payload):\n    pause()",
        (
            'from transformers import pipeline\npipe = pipeline("text-classification")\n'
            'async def handler(payload):\n    return pipe(payload["text"])'
        ),
    ),
    passes=(
        "import time\ndef handler(payload):\n    time.sleep(1)",
        (
            "from openai import AsyncOpenAI\nclient = AsyncOpenAI()\nasync def handler(payload):\n"
            '    return await client.chat.completions.create(model="a", messages=payload)'
        ),
        "import asyncio, time\nasync def handler(payload):\n    await asyncio.to_thread(time.sleep, 1)",
        "import asyncio\nasync def handler(payload):\n    await asyncio.sleep(1)",
        (
            "import time, asyncio\nasync def handler(payload):\n    def work():\n        time.sleep(1)\n"
            "    await asyncio.to_thread(work)"
        ),
    ),
)
