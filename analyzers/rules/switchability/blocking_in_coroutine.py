"""GA706: a coroutine blocks the event loop."""

from analyzers.facts.contexts.model import Phase
from analyzers.facts.model import Call
from analyzers.lean.tables import words
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.calls import LONG_METHODS, is_model_call
from analyzers.rules.rule import Hit, Hits

_WAITS = words(
    "time.sleep subprocess.run subprocess.call subprocess.check_call subprocess.check_output os.system "
    "urllib.request.urlopen urllib.request.urlretrieve requests.request"
)
_CLIENTS = ("requests", "httpx")
_SYNCHRONOUS = (
    "requests.Session().", "requests.session().", "httpx.Client().", "urllib3.PoolManager().", "openai.OpenAI().",
    "openai.AzureOpenAI().", "anthropic.Anthropic().", "groq.Groq().", "together.Together().", "cohere.Client().",
    "mistralai.Mistral().", "ollama.Client().", "replicate.Client().", "boto3.client().", "boto3.resource().",
    "redis.Redis().", "redis.StrictRedis().", "pymongo.MongoClient().", "psycopg2.connect().", "sqlite3.connect().",
    "google.generativeai.GenerativeModel().", "google.cloud.storage.Client().", "huggingface_hub.InferenceClient().",
    "elevenlabs.ElevenLabs().", "pinecone.Pinecone().", "grpc.insecure_channel().",
)  # fmt: skip
"""What their clients' methods begin with: the same libraries have asynchronous ones under other names."""
_REMOTE = words("replicate.run ollama.chat ollama.generate openai.chat.completions.create openai.embeddings.create")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head"})


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls():
        elsewhere = bool(context.phases) and context.phases <= {Phase.START, Phase.CLIENT}
        if context.in_coroutine and not elsewhere and not call.is_decorator:
            if _waits(call):
                message = f"{call.name}() blocks the event loop of an async handler; await it or use a thread"
                yield Hit(call.place, message)
            elif is_model_call(call, behaviour.contexts.modules, methods=LONG_METHODS):
                yield Hit(call.place, "a model computes in an async handler and blocks its event loop; use a thread")


def _waits(call: Call) -> bool:
    package, _, method = call.name.rpartition(".")
    if call.name in _WAITS or call.name in _REMOTE or call.name.startswith(_SYNCHRONOUS):
        return True
    return package in _CLIENTS and method in _VERBS


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
    words="anthropic boto3 cohere connect easyocr elevenlabs generativeai google groq grpc httpx huggingface_hub "
    "joblib llama_cpp mistralai ollama openai pinecone pymongo redis replicate requests sleep spacy sqlite3 subprocess "
    "system timm together ultralytics urlopen urlretrieve urllib3",
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
