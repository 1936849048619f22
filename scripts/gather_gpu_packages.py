"""Write the packages that compute with a framework or on CUDA, by what the index of packages says of them.

    python scripts/gather_gpu_packages.py LISTING > analyzers/rules/knowledge/packages.tsv
    python scripts/gather_gpu_packages.py LISTING --index URL      # also asks what each package requires

LISTING is a table with tabs whose first line names its columns, `name` and `summary` among them. A summary decides by
the words in it. With the URL of an index, such as the one that pip uses, each package that its summary leaves open is
looked up there: one that requires PyTorch, or a library of CUDA (`nvidia-...`), computes on a GPU where there is one.
What only an extra asks for does not count. Nothing is installed, and at most `MOST` packages are asked for, one by one.
"""

import argparse
import csv
import json
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

MOST = 500
"""How many packages are looked up in one run."""
PAUSE_S = 0.2
TIMEOUT_S = 20.0
LONGEST = 8 << 20
"""Bytes of an answer; the metadata of a package with many releases takes some megabytes."""
WORDS = {
    "CUDA": r"\bcuda\b|\bgpus?\b|\bnvidia\b",
    "PyTorch": r"\b(py)?torch\b",
    "JAX": r"\bjax\b|\bflax\b",
    "TensorFlow": r"\btensorflow\b|\bkeras\b",
}
"""What a summary speaks of, by the words in it; the first that fits counts."""
REQUIRED = {
    "CUDA": r"nvidia-(cuda|cublas|cudnn|cufft|cusparse|nccl)|cupy|cuda-(python|bindings|core)|numba-cuda",
    "PyTorch": r"torch$|torchvision$|pytorch-lightning$|lightning$",
    "JAX": r"jax(lib)?$|flax$",
    "TensorFlow": r"tensorflow(-gpu)?$|keras$|tf-keras$",
}
"""What a requirement tells, by the start of its name."""
_ASIDE = re.compile(r"^(nvidia|types)-|-stubs$|^cuda-|-cu1\d$")
"""CUDA's own libraries and types of others: nobody imports them to compute."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?", re.IGNORECASE)
_WIDTH = 100


def listed(lines: Iterable[str]) -> dict[str, str]:
    """Return the summary of each package in a listing."""
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    named = ((row["name"], row["summary"] or "") for row in rows)
    return {name: summary for name, summary in named if _NAME.fullmatch(name) and not _ASIDE.search(name)}


def by_summary(summary: str) -> str:
    """Return what a package computes with, by its summary; empty where that says nothing."""
    return next((word for word, pattern in WORDS.items() if re.search(pattern, summary, re.IGNORECASE)), "")


def by_requirements(requirements: Iterable[str]) -> str:
    """Return what a package computes with, by what it requires without any extra; empty for none of these."""
    names = list(_required(requirements))
    return next((word for word, start in REQUIRED.items() if any(re.match(start, name) for name in names)), "")


def _required(requirements: Iterable[str]) -> Iterator[str]:
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if "extra" not in str(requirement.marker or ""):
            yield requirement.name.lower().replace("_", "-")


def asked(index: str, names: Iterable[str], pause_s: float = PAUSE_S) -> Iterator[tuple[str, str]]:
    """Yield the packages that an index knows, with what they compute with by their requirements."""
    for name in list(names)[:MOST]:
        url = f"{index.rstrip('/')}/{urllib.parse.quote(name)}/json"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 -- the index that was named
                found = json.loads(answer.read(LONGEST))["info"]["requires_dist"] or []
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        yield name, by_requirements(str(text) for text in found)
        time.sleep(pause_s)


def table(found: Mapping[str, str], source: str) -> Iterator[str]:
    """Yield the rows of a table: the word, packages, and the source, with tabs between them."""
    for word in WORDS:
        line: list[str] = []
        for name in sorted(name for name, said in found.items() if said == word):
            if line and len(" ".join((*line, name))) > _WIDTH:
                yield f"{word}\t{' '.join(line)}\t{source}"
                line = []
            line.append(name)
        if line:
            yield f"{word}\t{' '.join(line)}\t{source}"


def main() -> None:
    """Write the table to the standard output."""
    parser = argparse.ArgumentParser(description="Write the packages that compute with a framework or on CUDA.")
    parser.add_argument("listing", type=Path)
    parser.add_argument("--index", default="", help="the URL below which NAME/json has the metadata of a package")
    options = parser.parse_args()
    with options.listing.open(encoding="utf-8", errors="replace") as file:
        summaries = listed(file)
    found = {name: by_summary(summary) for name, summary in summaries.items()}
    if options.index:
        found |= dict(asked(options.index, (name for name, word in found.items() if not word)))
    print("# Packages that compute with a framework or on CUDA: with what, their names, and the source.")
    print("# Written by scripts/gather_gpu_packages.py.\n\n[BY_SUMMARY]")
    kind = "summaries and requirements" if options.index else "summaries"
    print("\n".join(table(found, f"{kind} in the index of Python packages, {date.today():%d %B %Y}")))  # noqa: DTZ011


if __name__ == "__main__":
    main()
