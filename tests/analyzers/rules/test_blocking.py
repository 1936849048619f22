"""What holds up an event loop, in the code's own words and by way of helpers; and what only looks like it."""

import pytest

from analyzers.rules.knowledge.waiting import WORDS
from tests.analyzers.rules.test_switchability import codes_of
from tests.analyzers.support import codes

_BLOCKS = codes(
    """
import boto3
session = boto3.Session()
s3 = session.client('s3')
async def handler(payload):
    return s3.get_object(Bucket='a', Key='b')['Body'].read()
# ---
import boto3
s3 = boto3.client('s3')
async def handler(payload):
    s3.put_object(Bucket='a', Key='b', Body=payload)
# ---
import boto3
table = boto3.resource('dynamodb').Table('a')
async def handler(payload):
    return table.get_item(Key={'id': 1})
# ---
import openai
async def handler(payload):
    return openai.ChatCompletion.create(model='a', messages=[])
# ---
from openai import OpenAI
async def handler(payload):
    with OpenAI() as client:
        return client.chat.completions.create(model='a', messages=[])
# ---
from openai import OpenAI
class Service:
    def __init__(self):
        self.client = OpenAI()
    async def predict(self, x):
        return self.client.responses.create(model='a', input=x)
# ---
from openai import OpenAI
client = OpenAI()
def ask(q):
    return client.chat.completions.create(model='a', messages=q)
async def handler(payload):
    return ask(payload)
# ---
import requests
session = requests.Session()
async def handler(payload):
    return session.get('http://a').json()
# ---
import requests
async def handler(payload):
    with requests.Session() as s:
        return s.post('http://a').json()
# ---
import requests
from functools import lru_cache
def get_session():
    s = requests.Session()
    return s
async def handler(payload):
    return get_session().get('http://a').json()
# ---
import httpx
async def handler(payload):
    with httpx.stream('GET', 'http://a') as r:
        return r.read()
# ---
import time as t
async def handler(payload):
    t.sleep(1)
# ---
import subprocess
async def handler(payload):
    p = subprocess.Popen(['ls'])
    p.wait()
# ---
import subprocess
async def handler(payload):
    p = subprocess.Popen(['ls'], stdout=-1)
    return p.communicate()[0]
# ---
import os
async def handler(payload):
    return os.popen('ls').read()
# ---
import sqlite3
db = sqlite3.connect('a')
async def handler(payload):
    cur = db.cursor()
    cur.execute('select 1')
    return cur.fetchall()
# ---
import psycopg2
conn = psycopg2.connect('a')
async def handler(payload):
    with conn.cursor() as cur:
        cur.execute('select 1')
        return cur.fetchall()
# ---
import redis
r = redis.Redis.from_url('redis://a')
async def handler(payload):
    return r.get('a')
# ---
from pymongo import MongoClient
client = MongoClient()
async def handler(payload):
    return client['a']['b'].insert_one({'a': 1})
# ---
from sqlalchemy import create_engine, text
engine = create_engine('x')
async def handler(payload):
    with engine.connect() as c:
        return c.execute(text('select 1')).all()
# ---
from google import genai
client = genai.Client()
async def handler(payload):
    return client.models.generate_content(model='a', contents=payload)
# ---
import vertexai
from vertexai.generative_models import GenerativeModel
m = GenerativeModel('a')
async def handler(payload):
    return m.generate_content(payload).text
# ---
from google.cloud import storage
c = storage.Client()
async def handler(payload):
    return c.bucket('a').blob('b').download_as_bytes()
# ---
from google.cloud import bigquery
c = bigquery.Client()
async def handler(payload):
    return list(c.query('select 1').result())
# ---
from azure.storage.blob import BlobServiceClient
c = BlobServiceClient.from_connection_string('x')
async def handler(payload):
    return c.get_blob_client('a','b').download_blob().readall()
# ---
from huggingface_hub import hf_hub_download
async def handler(payload):
    return hf_hub_download('a', 'b')
# ---
from litellm import completion
async def handler(payload):
    return completion(model='a', messages=[])
# ---
import smtplib
async def handler(payload):
    with smtplib.SMTP('a') as s:
        s.send_message(payload)
# ---
import socket
async def handler(payload):
    s = socket.create_connection(('a', 1))
    return s.recv(10)
# ---
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
async def handler(payload):
    return pool.submit(len, payload).result()
# ---
import time
def retry(f):
    for i in range(3):
        try:
            return f()
        except Exception:
            time.sleep(2 ** i)
async def handler(payload):
    return retry(lambda: 1)
# ---
import time
class Service:
    def _wait(self):
        time.sleep(1)
    async def predict(self, x):
        self._wait()
# ---
import time
class Backend:
    def wait(self):
        time.sleep(1)
backend = Backend()
async def handler(payload):
    backend.wait()
# ---
import requests
def a():
    return b()
def b():
    return requests.get('x')
async def handler(payload):
    return a()
"""
)
_PASSES = codes(
    """
from openai import AsyncOpenAI
c = AsyncOpenAI()
async def handler(payload):
    return await c.chat.completions.create(model='a', messages=[])
# ---
import asyncio, boto3
s3 = boto3.client('s3')
async def handler(payload):
    return await asyncio.to_thread(s3.get_object, Bucket='a', Key='b')
# ---
import asyncio, requests
async def handler(payload):
    return await asyncio.to_thread(lambda: requests.get('a'))
# ---
import asyncio, requests
async def handler(payload):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, requests.get, 'a')
# ---
from starlette.concurrency import run_in_threadpool
import requests
def fetch():
    return requests.get('a')
async def handler(payload):
    return await run_in_threadpool(fetch)
# ---
import anyio, time
def w():
    time.sleep(1)
async def handler(payload):
    await anyio.to_thread.run_sync(w)
# ---
from asgiref.sync import sync_to_async
import time
@sync_to_async
def w():
    time.sleep(1)
async def handler(payload):
    await w()
# ---
import redis.asyncio as redis
r = redis.Redis()
async def handler(payload):
    return await r.get('a')
# ---
from redis.asyncio import Redis
r = Redis()
async def handler(payload):
    return await r.get('a')
# ---
import asyncio
async def handler(payload):
    p = await asyncio.create_subprocess_exec('ls')
    await p.wait()
# ---
import subprocess
async def handler(payload):
    subprocess.Popen(['ls'])
# ---
import boto3
async def handler(payload):
    return boto3.client('s3').meta.region_name
# ---
import aioboto3
async def handler(payload):
    async with aioboto3.Session().client('s3') as s3:
        return await s3.get_object(Bucket='a', Key='b')
# ---
from fastapi import FastAPI, BackgroundTasks
import time
app = FastAPI()
def work():
    time.sleep(1)
@app.post('/')
async def f(tasks: BackgroundTasks):
    tasks.add_task(work)
# ---
import threading, time
def work():
    time.sleep(1)
async def handler(payload):
    threading.Thread(target=work, daemon=True).start()
# ---
import time, contextlib
@contextlib.asynccontextmanager
async def lifespan(app):
    time.sleep(1)
    yield
async def handler(payload):
    return payload
# ---
import time, asyncio
async def handler(payload):
    def work():
        time.sleep(1)
    return await asyncio.get_running_loop().run_in_executor(None, work)
# ---
import time
from pool import in_thread
@in_thread
def work():
    time.sleep(1)
async def handler(payload):
    return await work()
# ---
import time
async def handler(payload):
    time.sleep(0)
# ---
import functools, asyncio, requests
async def handler(payload):
    return await asyncio.to_thread(functools.partial(requests.get, 'a'))
# ---
import boto3
s3 = boto3.client('s3')
async def handler(payload):
    return s3.generate_presigned_url('get_object', Params=payload)
# ---
import requests
session = requests.Session()
async def handler(payload):
    session.headers.update({'a': 'b'})
    session.close()
# ---
from google import genai
client = genai.Client()
async def handler(payload):
    return await client.aio.models.generate_content(model='a', contents=payload)
# ---
from google.generativeai import GenerativeModel
model = GenerativeModel('a')
async def handler(payload):
    return await model.generate_content_async(payload)
"""
)


def test_a_method_of_what_has_come_waits_for_nothing() -> None:
    code = (
        "import httpx\nclient = httpx.Client()\nasync def handler(x):\n    answer = client.get('http://a')\n"
        "    return answer.headers.get('a').split(';'), answer.json()\n"
    )

    assert codes_of(code) == ["GA706"]


def test_a_call_of_a_generator_runs_nothing_of_it() -> None:
    code = (
        "import time\ndef parts():\n    for x in range(3):\n        time.sleep(1)\n        yield x\n"
        "async def handler(x):\n    return StreamingResponse(parts())\n"
    )

    assert codes_of(code) == []


@pytest.mark.parametrize("code", _BLOCKS)
def test_what_waits_outside_of_the_process_holds_up_the_loop(code: str) -> None:
    assert set(codes_of(code)) == {"GA706"}


@pytest.mark.parametrize("code", _PASSES)
def test_what_is_awaited_or_runs_elsewhere_does_not(code: str) -> None:
    assert codes_of(code) == []


def test_a_chain_of_calls_is_one_finding() -> None:
    code = "import sqlite3\ndb = sqlite3.connect('a')\nasync def handler(x):\n    return db.execute(x).fetchmany(2)\n"

    assert codes_of(code) == ["GA706"]


def test_a_file_that_waits_holds_a_word_of_what_it_waits_with() -> None:
    assert {"sleep", "boto3", "requests", "urlopen", "subprocess", "concurrent"} <= set(WORDS.split())
