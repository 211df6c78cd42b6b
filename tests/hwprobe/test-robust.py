#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever verb it is: garbage is refused, streams may be closed or full. Arguments: hwprobe."""
import json
import os
import re
import sys

import tap
import verbs
from tap import run

# what is compared doesn't tell the time
os.environ["SOURCE_DATE_EPOCH"] = "86400"

HWPROBE = sys.argv[1]
SIM = [HWPROBE, "--sim", *verbs.GRANTS]
VERBS = verbs.verbs(HWPROBE)
DIRECTORY = verbs.directory()
SAMPLES = verbs.samples(DIRECTORY.name)

GARBAGE = ["", "0x", "1e3", "-1x", "18446744073709551616", "0x1ffffffffffffffff", "zwölf", "1 2", " 1", "1 ",
           "0x1g", "+1", "1.5", "NaN", "\t", "1\n2", "٣", "0b1", "$(id)", "9" * 5000]
NUMERIC = {"COUNT", "MS", "BYTES", "BITS", "HI:LO", "WIDTH", "CPUS", "SECONDS"}


def known():
    return [(verb, SAMPLES[verb.name]) for verb in VERBS if verb.name in SAMPLES]


def call(verb, *words, before=(), **options):
    return run(*before, *SIM, *verb.name.split(), *words, **options)


def shown(word):
    """As much of the word as a message repeats for sure."""
    return "".join("?" if c < " " else c for c in word)[:20]


def assert_refused(result, codes, word):
    assert result.returncode in codes and not result.stdout, result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    if isinstance(word, str):
        assert shown(word) in result.stderr, result
    else:
        assert any(part in result.stderr for part in word), result


def test_every_verb_of_the_help_is_known_here():
    names = {verb.name for verb in VERBS}
    assert len(names) > 30 and set(SAMPLES) <= names, set(SAMPLES) - names
    # those that have no sample are still held to what needs none
    for verb in VERBS:
        assert verb.help.startswith("Usage:") and verb.name in verb.help, verb.name


def test_samples_succeed():
    for verb, sample in known():
        result = call(verb, *sample)
        assert (result.returncode, result.stderr) == (0, ""), result


def test_pages_fit_80_columns():
    for verb in VERBS:
        for line in verb.help.splitlines():
            assert len(line) <= 80 and line == line.rstrip() and line.isascii(), line


def test_garbage_is_never_taken_for_a_number():
    for verb, sample in known():
        for at, word in enumerate(sample):
            codes = {verbs.Number: [2], verbs.Place: [2, 3]}.get(type(word))
            for garbage in GARBAGE if codes else []:
                words = [*sample[:at], *(["--"] if garbage.startswith("-") else []), garbage, *sample[at + 1:]]
                # of an address the part that is wrong may be named
                named = [3] if verb.name.startswith("msr") and garbage[:1].isalpha() else []
                assert_refused(call(verb, *words), codes + named,
                               garbage if isinstance(word, verbs.Number) else re.split("[.:+=-]", shown(garbage)))


def test_garbage_in_options_is_wrong_use():
    for verb in VERBS:
        sample = SAMPLES.get(verb.name, [])
        for option, value in verb.options():
            for garbage in GARBAGE if value in NUMERIC else []:
                result = call(verb, *sample, f"--{option}={garbage}")
                # or else that it doesn't go without another one
                assert_refused(result, [2], [shown(garbage), f"--{option}"])


def test_too_many_and_too_few_words_are_wrong_use():
    for verb, sample in known():
        if "..." not in "".join(verb.words):
            assert_refused(call(verb, *sample, *["surplus"] * 3), [2], "surplus")
        words = [word for word in sample if word.startswith("-")]
        if len(words) < len(sample) and not verb.words[0].startswith("["):
            result = call(verb, *words)
            assert_refused(result, [2], verb.words[0].partition("[")[0].rstrip("."))


def test_unknown_options_name_themselves_and_what_may_be_meant():
    for verb in VERBS:
        sample = SAMPLES.get(verb.name, [])
        for option, meant in [("--frobnicate", "known: --json"), ("--jsn", "did you mean --json"), ("-%", "known"),
                              ("--json=1", "takes no value"), ("--sysroot", "needs a value"), ("--gran", "")]:
            result = call(verb, *sample, option)
            assert_refused(result, [2], option.partition("=")[0].replace("--gran", "--grant"))
            assert meant in result.stderr, result


def test_unknown_commands_name_what_may_be_meant():
    for words, meant in [(["doctr"], "did you mean doctor"), (["msr", "dr"], "rd REGISTER"), (["polcy"], "policy"),
                         (["xyzzy"], "known: doctor"), (["--as", "rdmrs"], "did you mean rdmsr")]:
        result = run(HWPROBE, *words)
        assert_refused(result, [2], words[-1])
        assert meant in result.stderr, result


def test_two_dashes_end_the_options():
    for words in [("msr", "rd", "--", "0x10"), ("--", "msr", "rd", "0x10"), ("--", "msr", "rd", "--", "0x10")]:
        assert run(*SIM, *words).stdout == run(*SIM, "msr", "rd", "0x10").stdout
    assert_refused(run(*SIM, "msr", "rd", "--", "-1"), [2], "-1")
    assert_refused(run(*SIM, "io", "in", "--", "--json"), [2], "--json")


def test_full_disk_and_closed_output_are_failures():
    for verb, sample in known():
        silent = not call(verb, *sample).stdout
        for json_too in [[], ["--json"]]:
            with open("/dev/full", "w", encoding="ascii") as full:
                result = call(verb, *sample, *json_too, stdout=full)
            assert result.returncode == 1 and "No space left" in result.stderr or silent, result
        result = call(verb, *sample, before=("/bin/sh", "-c", '"$0" "$@" >&-'))
        assert result.returncode == 1 and result.stderr == "hwprobe: standard output is closed\n", result


def test_closed_input_and_errors_change_nothing():
    changing = {"doctor", "backends", "stat", "bench"}  # what they print differs from run to run
    for verb, sample in known():
        usual = call(verb, *sample)
        for how in ["<&-", "2>&-", "<&- 2>&-"]:
            result = call(verb, *sample, before=("/bin/sh", "-c", f'"$0" "$@" {how}'))
            assert result.returncode == usual.returncode, result
            assert verb.name in changing or result.stdout == usual.stdout, (result, usual)
    result = run("/bin/sh", "-c", '"$0" --frob 2>&-', HWPROBE)
    assert (result.returncode, result.stdout) == (2, ""), result


def test_no_terminal_and_no_session_change_nothing():
    for verb, sample in known():
        result = call(verb, *sample, start_new_session=True, env={})
        assert (result.returncode, result.stderr) == (0, ""), result


def test_gone_reader_is_quiet():
    for verb, sample in known():
        for restore in [True, False]:
            reader, writer = os.pipe()
            os.close(reader)
            result = call(verb, *sample, stdout=writer, restore_signals=restore)
            os.close(writer)
            assert result.returncode in (0, 1, -13) and result.stderr == "", result


def test_long_output_is_whole_or_ends_with_its_reader():
    path = os.path.join(DIRECTORY.name, "long")
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{2 * n} 0\n" for n in range(100000))
    command = [HWPROBE, "policy", "import", path]
    result = run(*command)
    assert result.returncode == 0, result.stderr[:500]
    assert result.stdout.count("\n") >= 100000, result.stdout[:500]
    result = run("/bin/sh", "-c", '{ "$0" "$@"; echo $? >&2; } | head -1', *command)
    assert result.stdout.count("\n") == 1 and result.stderr in ("1\n", "141\n"), result
    with open("/dev/full", "w", encoding="ascii") as full:
        result = run(*command, stdout=full)
    assert result.returncode == 1 and result.stderr.count("\n") == 1, result


def test_guard_ends_what_reads_on_and_on():
    result = run(*SIM, "io", "in", "--count=100000", "--interval=0", "0x80")
    assert result.returncode == 9 and result.stdout.count("\n") > 1000, result.stderr[:500]
    assert result.stderr.count("\n") == 1 and "guard" in result.stderr, result.stderr[:500]


def test_every_verb_has_a_document_or_says_that_it_has_none():
    for verb, sample in known():
        result = call(verb, *sample, "--json")
        if result.stdout.startswith("{"):
            document = json.loads(result.stdout)
            assert document["schema_version"] == 1, document
        else:
            assert verb.name in ("sim check", "sim show", "policy import"), result


def test_captured_tree_is_read_or_refused():
    with verbs.directory() as tree:
        for verb in VERBS:
            sample = SAMPLES.get(verb.name, [])
            result = run(HWPROBE, "--sysroot", tree, *verbs.GRANTS, *verb.name.split(), *sample)
            assert result.returncode in (0, 1, 2, 3, 5, 6), result
            assert result.returncode == 0 or result.stderr.startswith("hwprobe: "), result
            result = run(HWPROBE, "--sysroot", tree, "--sim", *verb.name.split(), *sample)
            assert result.returncode == 2, result


def test_machine_of_a_file_is_told_and_used():
    machine = os.path.join(DIRECTORY.name, "machine.sim")
    with open(machine, "w", encoding="ascii") as out:
        out.write("cpu count 2\nmsr 0x10 ro value 0x4711\n")
    result = run(HWPROBE, f"--sim={machine}", "--grant", "msr = * r", "msr", "rd", "-a", "0x10")
    assert result.stdout == "".join(f"cpu{n} 0x10 0x0000000000004711\n" for n in range(2)), result
    with open(machine, "w", encoding="ascii") as out:
        out.write("cpu count two\n")
    result = run(HWPROBE, f"--sim={machine}", "msr", "rd", "0x10")
    assert result.returncode == 2 and "machine.sim:1:11" in result.stderr, result
    assert run(HWPROBE, "--sim=/nowhere", "msr", "rd", "0x10").returncode == 3


def test_every_code_is_reached_and_explained():
    nobody = tap.Nobody(HWPROBE)
    with verbs.directory() as tree:
        os.chmod(tree, 0o755)
        steps = os.path.join(tree, "steps")
        with open(steps, "w", encoding="ascii") as out:
            out.write("wr mem 00:05.0:0+4 1\npoll mem 00:05.0:0+4 2 1ms\n")
        os.makedirs(os.path.join(tree, "dev/cpu/0"))
        os.close(os.open(os.path.join(tree, "dev/cpu/0/msr"), os.O_CREAT, 0))
        calls = {
            0: [*SIM, "msr", "rd", "0x10"],
            1: [*SIM, "msr", "rd", "0x999"],
            2: [*SIM, "msr", "rd", "0x"],
            3: [*SIM, "mem", "rd", "00:09.0:0"],
            4: [HWPROBE, "--sim", "--grant", "deny msr = * r", "msr", "rd", "0x10"],
            6: [HWPROBE, "--sysroot", tree, "io", "in", "0x71"],
            7: [HWPROBE, "--sim", "--grant", "port = 0x80 rw, rate 1/s", "io", "out", "-yr", "0x80", "1"],
            8: [*SIM, "txn", "-y", steps],
            9: [*SIM, "batch", "-y", steps],
        }
        for code, command in calls.items():
            result = run(*command)
            assert result.returncode == code and (result.stderr or code == 0), result
        result = nobody.run("--sysroot", tree, "--grant", "msr = * r", "msr", "rd", "0x10")
        assert result.returncode == 5 and result.stderr, result
    rows = run(HWPROBE, "--help").stdout.partition("Exit codes:\n")[2].partition("\n\n")[0].splitlines()
    assert [int(row.split()[0]) for row in rows] == list(range(10))


tap.main(dict(globals()))
