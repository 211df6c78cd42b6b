#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-perf.py SOURCE BENCH...: what suites print fits the schema; the page and the charts have all of it."""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE, BENCHES = sys.argv[1], sys.argv[2:]
sys.path.insert(0, os.path.join(SOURCE, "tests/hwprobe"))
from schema import problems  # noqa: E402  pylint: disable=wrong-import-position
from tap import Skip, main, run  # noqa: E402  pylint: disable=wrong-import-position

PERF = os.path.join(SOURCE, "tests/bench/perf")
SAMPLE = {
    "schema": 1, "suite": "sample",
    "run": {"date": "2026-01-02", "commit": "abc", "kernel": "6.1", "machine": "one", "compiler": "gcc 12",
            "options": "--json"},
    "results": [
        {"name": "quick-one", "baseline": "the raw thing", "ours": 10.5, "base": 10, "unit": "ns/op", "ratio": 1.05,
         "ci": [1.04, 1.06], "noise": 0.01, "extra_instructions": 3, "limit": {"max_ratio": 1.1}, "holds": True},
        {"name": "slow_one|2", "baseline": "a \"thing\"", "ours": 3e6, "base": 1e6, "unit": "ns/op", "ratio": 3,
         "ci": [2.5, 3.5], "noise": 2, "extra_instructions": None, "limit": None, "holds": None},
        {"name": "too-slow", "baseline": "it", "ours": 2, "base": 1, "unit": "ns/op", "ratio": 2,
         "ci": [1.9, 2.1], "noise": 0.1, "extra_instructions": 9.5, "limit": {"max_extra_instructions": 4},
         "holds": False}],
    "unmeasured": [{"name": "absent", "verdict": "skipped", "why": "no device"}]}


def load_schema():
    with open(os.path.join(SOURCE, "docs/schema/bench-1.json"), encoding="utf-8") as file:
        return json.load(file)


def wrong(document):
    return list(problems(document, load_schema()))


def written(directory, *documents):
    path = os.path.join(directory, "run.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(json.dumps(document, indent=1) + "\n" for document in documents))
    return path


def test_every_suite_prints_what_the_schema_says():
    assert BENCHES
    for bench in BENCHES:
        name = run(bench, "--list").stdout.split()[0]
        result = run(bench, "--json", "--quick", "--seconds", "0.001", "--filter", name)
        document = json.loads(result.stdout)
        assert wrong(document) == [], (bench, wrong(document))
        assert "bench-" + document["suite"] == os.path.basename(bench)
        assert len(document["results"]) + len(document.get("unmeasured", [])) == 1, document


def test_schema_refuses_what_is_no_figure():
    assert wrong(SAMPLE) == []
    for change in ({"ratio": "1"}, {"ci": [1, None]}, {"holds": 1}, {"more": 1}, {"limit": {"max": 1}}):
        bad = copy.deepcopy(SAMPLE)
        bad["results"][0].update(change)
        assert wrong(bad), change
    bad = copy.deepcopy(SAMPLE)
    del bad["results"][0]["noise"]
    assert wrong(bad)


def test_gather_says_on_what():
    bare = {key: value for key, value in SAMPLE.items() if key != "run"}
    result = subprocess.run([PERF, "gather", ".", "--json", "--quick"], input=json.dumps(bare) + json.dumps(bare),
                            capture_output=True, text=True, check=True)
    documents = result.stdout.replace("}\n{", "}\0{").split("\0")
    assert len(documents) == 2
    for text in documents:
        document = json.loads(text)
        assert wrong(document) == [], wrong(document)
        assert document["run"]["kernel"] == os.uname().release
        assert document["run"]["options"] == "--json --quick"


def test_page_has_every_row_and_what_is_missing():
    with tempfile.TemporaryDirectory() as directory:
        text = run(PERF, "page", written(directory, SAMPLE)).stdout
    for row in ("`quick-one`", "`slow_one\\|2`", "`too-slow`"):
        assert text.count("| " + row + " |") == 1, text
    assert "| 1.050 | 1.040–1.060 | ± 0.010 | +3.0 | ratio ≤ 1.1 | holds |" in text, text
    assert "**missed**" in text and "Not measured: `absent` was skipped: no device." in text, text
    assert "3 cases were measured, 1 were not; of 2 limits that could be judged 1 hold." in text, text
    for fact in ("- Machine: one", "- Kernel: 6.1", "- Compiler: gcc 12", "- Commit: abc", "- Date: 2026-01-02"):
        assert fact in text, text
    assert "quick run" not in text


def test_page_of_something_else_is_refused():
    with tempfile.TemporaryDirectory() as directory:
        result = run(PERF, "page", written(directory, {"schema": 2}))
    assert result.returncode == 1 and "is not what ./dev bench --json prints" in result.stderr, result


def test_chart_has_every_row():
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot", "it is not installed (./dev bench installs it)")
    with tempfile.TemporaryDirectory() as directory:
        result = run(PERF, "plot", written(directory, SAMPLE), directory)
        assert result.returncode == 0 and not result.stderr, result
        with open(os.path.join(directory, "sample.svg"), encoding="utf-8") as file:
            text = file.read()
    words = re.sub(r"<[^>]*>", "", text)
    for word in ("quick-one", "slow_one|2", "too-slow", "sample: one", "limit", "noise of the baseline"):
        assert word in words, word


main(dict(globals()))
