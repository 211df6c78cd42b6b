# SPDX-License-Identifier: LGPL-2.1-or-later
"""Is what hwprobe says of a scenario's machine true? doctor.py SCENARIO HAS FILE: TAP without numbers.

HAS is what the scenario's table says, and test-lab proves; FILE what `hwprobe --json` said there.
"""
import json
import sys

WORKS, PARTIAL, NO = "works", "partial", "no"

# With a word, or with ! without it: a way, its status, and what why and fix must name. Only the rows of
# the scenario's machine count: "x86" and "arm" are added to its words.
FACTS = [
    ("ioport", "ioperm", WORKS, "", ""),
    ("no-ioport lockdown", "ioperm", NO, "locked down", "lockdown="),
    ("no-ioport unprivileged", "ioperm", NO, "lacks CAP_SYS_RAWIO", "setcap cap_sys_rawio+ep"),
    ("no-ioport lockdown", "/dev/port", NO, "locked down", "lockdown="),
    ("no-ioport unprivileged", "/dev/port", NO, "mode", "sudo"),
    ("arm", "ioperm", NO, "no port instructions", ""),
    ("msr lockdown", "/dev/cpu/N/msr", PARTIAL, "reads only: the kernel is locked down", "lockdown="),
    ("msr !lockdown", "/dev/cpu/N/msr", WORKS, "", ""),
    ("x86 unprivileged", "/dev/cpu/N/msr", NO, "mode", "sudo"),
    ("arm", "/dev/cpu/N/msr", NO, "no MSRs", ""),
    ("edu", "resourceN mmap", WORKS, "", ""),
    ("no-bar lockdown", "resourceN mmap", NO, "locked down", "lockdown="),
    ("no-bar unprivileged", "resourceN mmap", NO, "mode", "sudo"),
    ("root", "config, full", WORKS, "bytes", ""),
    ("unprivileged", "config, full", NO, "CAP_SYS_ADMIN", "cap_sys_admin+ep"),
    ("root lockdown", "config, write", NO, "locked down", "lockdown="),
    ("root !lockdown", "config, write", WORKS, "", ""),
    ("unprivileged", "config, write", NO, "mode", "sudo"),
    ("vfio", "VFIO device", WORKS, "1 of 1 group", ""),
    ("iommu", "IOMMU", WORKS, "group", ""),
    ("root !iommu", "IOMMU", NO, "no IOMMU", ""),
    ("root !iommu", "VFIO device", NO, "no IOMMU", ""),
    ("lockdown", "lockdown", PARTIAL, "integrity", "lockdown="),
    ("!lockdown", "lockdown", WORKS, "not locked down", ""),
    ("pku", "protection keys", WORKS, "hardware", ""),
    ("root", "locked memory", WORKS, "", ""),
    ("unprivileged", "locked memory", PARTIAL, "KiB", "sudo prlimit"),
    ("uring", "io_uring", WORKS, "", ""),
    ("no-uring", "io_uring", PARTIAL, "io_uring_disabled", "io_uring_disabled"),
    ("", "hwsafe-helper", NO, "/run/hwsafe/helper.sock", "serve"),
]
# What the policy has, which is the built-in one: of a kind, with a word.
POLICY = [("root", "msr", "read"), ("root", "port", "none"), ("unprivileged", "msr", "none"),
          ("", "cpuid", "read"), ("", "dma", "none")]


def holds(words, condition):
    return all((word[1:] not in words) if word.startswith("!") else (word in words) for word in condition.split())


def check(document, words):
    """(what, problem or None) of each fact that is this machine's."""
    ways = {one["way"]: one for one in reversed(document["ways"])}
    for condition, name, status, why, fix in FACTS:
        if not holds(words, condition):
            continue
        one = ways.get(name, {"status": "not told of", "why": "", "fix": ""})
        good = one["status"] == status and why in one["why"] and fix in one["fix"]
        yield f"{name} {status}", None if good else one
    access = {one["kind"]: one for one in document["access"]}
    for condition, kind, rights in POLICY:
        if holds(words, condition):
            yield f"policy of {kind} {rights}", None if access[kind]["policy"] == rights else access[kind]


def main(scenario, has, path):
    words = set(has.split(","))
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        words.add("arm" if document["machine"]["arch"] == "aarch64" else "x86")
        facts = list(check(document, words))
    except (OSError, ValueError, KeyError) as error:
        facts = [("has a document", f"{type(error).__name__}: {error}")]
    for what, problem in facts:
        print(f"{'not ok' if problem else 'ok'} - lab {scenario} doctor {what.replace(' ', '_').replace('#', '')}")
        if problem:
            print(f"# {problem}")


main(*sys.argv[1:4])
