"""Every wrong type, order and value of an ASGI message, what is only unusual, and all that can be raised.

The function sends the messages that stand in its query; `target` asks it for them.
"""

SOURCE = """
    import array, asyncio, json

    class Odd(bytes):
        def __len__(self):
            return 3

    class Unprintable(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    def start(**more):
        return {"type": "http.response.start", "status": 200, "headers": [], **more}

    def body(value=b"OK", **more):
        return {"type": "http.response.body", "body": value, **more}

    async def handle(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        what = scope["query_string"].decode()
        if not what:
            await asyncio.sleep(0.002)
            await send(start())
            await send(body())
            return
        if what in RAISED:
            if scope["path"] == "/midstream":
                await send(start())
                await send(body(more_body=True))
            raise RAISED[what]
        for message in eval(bytes.fromhex(what).decode()):
            await send(message)

    class Panic(BaseException):
        pass

    RAISED = {
        "panic": Panic("on a None value"), "cancelled": asyncio.CancelledError(), "left": GeneratorExit(),
        "interrupt": KeyboardInterrupt(), "exit": SystemExit(3), "unprintable": Unprintable(), "memory": MemoryError(),
        "group": BaseExceptionGroup("several", [Panic(), ValueError()]), "stop": StopAsyncIteration(),
    }
"""
WRONG = (
    # bodies
    "start(), body('text')", "start(), body([79, 75])", "start(), body(5)", "start(), body({})", "start(), body(1.5)",
    "start(), body(object())", "start(), body('text', more_body=True)", "start(), body('x' * 200_000)",
    "start(), body([1] * 200_000)", "start(), body(iter([b'a']))",
    # heads
    "start(status='200'), body()", "start(status=None), body()", "start(status=99), body()", "start(status=0), body()",
    "start(status=100), body()", "start(status=1000), body()", "start(status=-1), body()", "start(status=True), body()",
    "start(status=200.5), body()", "start(headers=None), body()", "start(headers=5), body()",
    "start(headers={'a': 'b'}), body()", "start(headers=[('a', 'b')]), body()", "start(headers=[(b'a', 'b')]), body()",
    "start(headers=[(b'a', None)]), body()", "start(headers=[(b'a', 5)]), body()", "start(headers=[(b'a',)]), body()",
    "start(headers=[b'ab']), body()", "start(headers=[None]), body()", "start(headers=[(b'', b'x')]), body()",
    "start(headers=[(b'a b', b'x')]), body()", "start(headers=[(b'a', b'x\\r\\nb: c')]), body()",
    "start(headers=[(b'a', b'x\\x00')]), body()", "start(headers=[(b'content-length', b'x')]), body()",
    "start(headers=[(b'content-length', b'9' * 70_000)]), body()",
    "start(headers=[(b'content-length', b'-1')]), body()",
    "start(headers=[(b'x-a', b'a' * 2**20)]), body()",
    "start(headers=[(b'x-a', b'a')] * 200_000), body()",
    "start(headers=[(b'x-a', b'a' * 2**20)]), body(more_body=True)",
    "start(headers=[(b'content-length', b'1')]), body()", "start(headers=[(b'content-length', b'3')]), body()",
    # messages
    "None,", "[],", "'http.response.start',", "{},", "{'type': None},", "{'type': []},",
    "{'type': 'websocket.accept'},",
    "{'type': 'http.response.start'},", "{'type': 'http.response.start', 'status': 200},", "body(),",
    "start(), start(), body()", "start(),", "start(), {'type': 'http.response.trailers'}, body()",
    "start(), {'type': 'http.response.push', 'path': '/'}, body()", "start(), body(more_body=True),",
    "start(), body(more_body=True), start(), body()", "start(), body(more_body=True), body('text')",
    "start(), body(more_body=True), {'type': 'x'}", "start(), body(more_body=True), body([1])",
)  # fmt: skip
SERVED = {
    "start(), body(bytearray(b'OK'))": b"OK",
    "start(), body(memoryview(b'xOKx')[1:3])": b"OK",
    "start(), body(memoryview(b'OxK')[::2])": b"OK",
    "start(), body(memoryview(b'abcd').cast('B', (2, 2)))": b"abcd",
    "start(), body(array.array('i', [7] * 10))": b"\x07\0\0\0" * 10,
    "start(), body(array.array('i', [7] * 40_000))": b"\x07\0\0\0" * 40_000,
    "start(), body(array.array('i', [7] * 10), more_body=True), body(b'')": b"\x07\0\0\0" * 10,
    "start(), body(Odd(b'twelve bytes'))": b"twelve bytes",
    "start(), body(None)": b"",
    "start(), {'type': 'http.response.body'}": b"",
    "start(headers=[[bytearray(b'X-A'), memoryview(b'b')]]), body()": b"OK",
    "start(headers=((b'a', b'%d' % n) for n in range(900))), body()": b"OK",
    "start(headers=[(b'x-a', b'a' * 60_000)]), body()": b"OK",
    "start(headers=[(b'x-a', b'a' * 1000)] * 999), body()": b"OK",
    "start(headers=[(b'x-a', b'a')] * 9000), body(b'O', more_body=True), body(b'K')": b"OK",
    "start(headers=[(b'x-a', b'a' * 1000)] * 999), body(b'O' * 200_000)": b"O" * 200_000,
    "start(headers=[(b'x-a', b'a' * 1000)] * 999), body(b'O' * 200_000, more_body=True), body(b'')": b"O" * 200_000,
    "start(headers=[(b'x-a', b'a' * 1000)] * 999 + [(b'content-length', b'2')]), body()": b"OK",
    "start(), body(more_body='yes'), body(b'!', more_body=0)": b"OK!",
    "start(), body(), body()": b"OK",
    "start(), body(), start(), body()": b"OK",
    "start(), body(), body('text')": b"OK",
}
RAISED = ("panic", "cancelled", "left", "interrupt", "exit", "unprintable", "memory", "group", "stop")


def target(messages: str) -> str:
    """Return the target of a request that is answered with these messages."""
    return f"/?{messages.encode().hex()}"
