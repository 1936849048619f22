"""The fuzzers by name, in the order in which they run."""

from tests.fuzz.code import Code
from tests.fuzz.events import Events
from tests.fuzz.frames import Frames
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.heads import Heads
from tests.fuzz.http import Http
from tests.fuzz.projects import Projects
from tests.fuzz.texts import Texts
from tests.fuzz.traces import Traces

FUZZERS: dict[str, type[Fuzzer]] = {
    fuzzer.name: fuzzer for fuzzer in (Http, Heads, Frames, Events, Code, Projects, Traces, Texts)
}
