"""What every run of a hook loads: light records and patterns in the place of the standard library's.

`gaia lint` of one file has about 40 ms, most of which Python itself needs to start. `python -m benchmarks.analyzer`
(`one file`, against an empty Python program) shows what each of these is worth:

- `records`: `@dataclass` imports `inspect` and compiles text for each class, and a frozen one is slower to fill;
- `patterns`: `re.compile` at import compiles patterns that most runs never ask; here the first question compiles;
- `prefilter`, `registry`, `profiles`, `levels`: which files can hold anything at all, and what is known of each rule
  before any is loaded;
- `garbage`: syntax trees are many objects, in which Python's collector would search in vain;
- `files`, `writing`: the one way to read a file of a stranger's tree, and the one to write there;
- `lines`: text is cut into lines as the parser cuts them; `toml`: names of thousands of parts are refused;
- `printable`: the one place where foreign text becomes printable; plain text costs a look.

Nothing here knows of projects, facts or rules, and nothing imports more than it must:
tests/gaia_cli/test_lint_fast_path.py names the modules that a hook never loads.
"""
