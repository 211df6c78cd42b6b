#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe plugin check. Arguments: hwprobe, then plug-ins: hello.so, accelerator.so, sim.so and rogues."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import tap
from tap import run

HWPROBE = os.path.abspath(sys.argv[1])
FILES = {os.path.basename(path).removesuffix(".so"): path for path in sys.argv[2:]}
DIRECTORY = tempfile.TemporaryDirectory(prefix="hwprobe-plugin-")


def plugin(name):
    path = shutil.copyfile(FILES[name], os.path.join(DIRECTORY.name, name + ".so"))
    os.chmod(path, 0o600)
    return path


def check(*arguments):
    return run(HWPROBE, "plugin", "check", *arguments)


def document(path, *arguments):
    result = check("--json", *arguments, path)
    assert not result.stderr, result
    found = json.loads(result.stdout)
    assert result.returncode == (0 if found["good"] else 1), result
    return found


def steps(found):
    return {step["step"]: step["error"] for step in found["steps"]}


def test_device_is_used_and_described():
    path = plugin("accelerator-plugin")
    found = document(path)
    with open(path, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    assert found["good"] and found["sha256"] == sha256
    assert (found["name"], found["plugin_version"], found["abi"]) == ("accelerator", "1.0", "0x00010000")
    assert found["brings"] == ["device"] and found["signature"] == "none"
    assert found["rule"] == f"plugin = {path} sha256 {sha256}"
    assert found["attributes"]["most"] == 64 << 20 and found["attributes"]["widths"] == [1, 2, 4, 8]
    names = ["load", "attributes", "alloc", "copy in", "copy out", "free"]
    assert steps(found) == dict.fromkeys(names), found


def test_page_says_the_same_and_the_rule_is_one():
    path = plugin("hello-plugin")
    text = check(path).stdout
    for words in ["hello 1.0", "a device", "none: whoever can write", "copy out", "A rule for it:"]:
        assert words in text, text
    rule = text.rstrip().splitlines()[-1]
    with open(os.path.join(DIRECTORY.name, "rule.conf"), "w", encoding="ascii") as file:
        file.write(f"[all]\n{rule}\n")
    assert run(HWPROBE, "policy", "check", file.name).returncode == 0, rule


def test_back_end_is_loaded_only():
    found = document(plugin("sim"))
    assert found["good"] and found["brings"] == ["back end"] and steps(found) == {"load": None}


def finds(name, step, error, *words):
    found = document(plugin(name))
    first = [step for step in found["steps"] if step["error"]][0]
    assert not found["good"] and (first["step"], first["error"]) == (step, error), found
    assert all(word in first["why"] for word in words), first


def test_crash_is_a_finding():
    finds("rogue-crash", "load", "ENODEV", "died of SIGSEGV in create")


def test_hang_is_a_finding():
    finds("rogue-hang", "copy in", "ETIMEDOUT", "did not answer copy_in in time")


def test_one_that_leaves_is_a_finding():
    finds("rogue-leave", "free", "ENODEV", "ended in free")


def test_crash_at_the_end_is_a_finding():
    finds("rogue-end", "end", "ENODEV", "died of SIGSEGV in destroy")


def test_what_one_says_of_itself_is_no_step():
    """It may say that it died, a hundred times, and live on: what is seen counts."""
    found = document(plugin("rogue-boaster"))
    assert found["good"] and "end" not in steps(found) and len(found["steps"]) == 6, found
    found = document(plugin("rogue-boaster-to-the-end"))
    assert len(found["steps"]) <= 7 and check(plugin("rogue-boaster-to-the-end")).returncode in (0, 1), found


def test_bytes_that_change_are_a_finding():
    found = document(plugin("rogue-forgetful"))
    assert steps(found)["copy out"] == "EBADMSG" and not found["good"], found


def test_lie_is_a_finding():
    finds("rogue-liar", "attributes", "EIO", "5 values is NULL")


def refused(code, *words, arguments=()):
    result = check(*arguments)
    assert result.returncode == code and not result.stdout, result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), result


def test_what_is_not_trusted_is_refused_with_its_cure():
    path = plugin("hello-plugin")
    os.chmod(path, 0o666)
    refused(4, path, "writ", arguments=[path])
    link = os.path.join(DIRECTORY.name, "link.so")
    os.symlink(plugin("hello-plugin"), link)
    refused(4, "link", arguments=[link])


def test_what_is_no_plugin_is_refused():
    text = os.path.join(DIRECTORY.name, "text.so")
    with open(text, "w", encoding="ascii") as file:
        file.write("x" * 5000)
    os.chmod(text, 0o600)
    refused(1, "no ELF file", arguments=[text])
    refused(3, arguments=[os.path.join(DIRECTORY.name, "nowhere.so")])
    refused(2, arguments=[])


def test_relative_names_are_taken():
    plugin("hello-plugin")
    os.mkdir(os.path.join(DIRECTORY.name, "below"), 0o700)
    for name, where in [("./hello-plugin.so", ""), ("../hello-plugin.so", "below"), ("./.././below/../hello-plugin.so", "below")]:
        result = run(HWPROBE, "plugin", "check", name, cwd=os.path.join(DIRECTORY.name, where))
        if name.count("..") < 2:
            assert result.returncode == 0 and f"plugin = {DIRECTORY.name}/hello-plugin.so " in result.stdout, result
        else:
            assert result.returncode == 1 and result.stderr.count("\n") == 1, result
    result = run(HWPROBE, "plugin", "check", os.path.join(".", DIRECTORY.name[1:], "hello-plugin.so"), cwd="/")
    assert result.returncode == 0, result


def test_path_with_a_blank_stands_in_quotes():
    folder = os.path.join(DIRECTORY.name, "my plug-ins")
    os.mkdir(folder, 0o700)
    path = shutil.copy(plugin("hello-plugin"), folder)
    result = check(path)
    assert result.returncode == 0 and f'plugin = "{path}" sha256 ' in result.stdout, result
    with open(os.path.join(DIRECTORY.name, "blank.conf"), "w", encoding="ascii") as file:
        file.write("[all]\n" + result.stdout.rstrip().splitlines()[-1] + "\n")
    assert run(HWPROBE, "policy", "check", file.name).returncode == 0, result


def test_signature_is_asked_by_key():
    path = plugin("hello-plugin")
    if not shutil.which("minisign"):
        refused(4, "not signed", arguments=["--key", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", path])
        raise tap.Skip("minisign", "it is not installed")
    key = os.path.join(DIRECTORY.name, "key")
    subprocess.run(["minisign", "-G", "-W", "-p", key + ".pub", "-s", key], check=True, capture_output=True)
    subprocess.run(["minisign", "-S", "-s", key, "-m", path], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    os.chmod(path + ".minisig", 0o600)
    with open(key + ".pub", encoding="ascii") as file:
        public = file.read().splitlines()[1]
    assert document(path)["signature"] == "unchecked"
    found = document(path, "--key", public)
    assert found["signature"] == "good" and found["rule"] == f"plugin = {path} key {public}", found
    with open(path, "ab") as file:
        file.write(b"x")
    refused(4, "changed", arguments=["--key", public, path])
    os.unlink(path + ".minisig")


tap.main(dict(globals()))
