# SPDX-License-Identifier: LGPL-2.1-or-later
"""For the doctor's tests: a PC to change, and what the doctor says of it. Their arguments: hwprobe … schema."""
import json
import os
import sys
import tempfile

import schema
from tap import run

HWPROBE = sys.argv[1]
with open(sys.argv[-1], encoding="ascii") as published:
    DOCTOR = json.load(published)

STATUS = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\nSeccomp:\t0\n"
EDU = "sys/bus/pci/devices/0000:00:03.0/"
PC = {
    "proc/sys/kernel/arch": "x86_64\n",
    "proc/sys/kernel/osrelease": "6.1.0-captured\n",
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A Processor\nflags\t\t: fpu ospke\n",
    "proc/self/status": STATUS,
    "proc/self/limits": "Max locked memory         unlimited            unlimited            bytes\n",
    "proc/modules": "",
    "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
    "sys/devices/system/cpu/online": "0-1\n",
    "sys/class/mem/port/dev": "1:4\n",
    "dev/port": "",
    "dev/cpu/0/msr": "",
    "sys/class/iommu/dmar0/": None,
    "sys/kernel/iommu_groups/1/devices/0000:00:03.0/": None,
    "dev/vfio/vfio": "",
    "dev/vfio/1": "",
    EDU + "vendor": "0x1234\n",
    EDU + "device": "0x11e8\n",
    EDU + "class": "0x00ff00\n",
    EDU + "config": "\0" * 256,
    EDU + "resource": "0xfe000000 0xfe0fffff 0x40200\n",
    EDU + "resource0": "",
    EDU + "driver": "-> ../../vfio-pci",
}
WITHOUT = object()


def make_tree(directory, changes):
    for name, content in {**PC, **changes}.items():
        path = os.path.join(directory, name)
        if content is WITHOUT:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is None:
            continue
        if content.startswith("-> "):
            os.symlink(content[3:], path)
            continue
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
    return directory


def report(*arguments, before=(), **options):
    result = run(*before, HWPROBE, "--json", *arguments, **options)
    assert result.returncode == 0 and result.stderr == "", result
    document = json.loads(result.stdout)
    wrong = list(schema.problems(document, DOCTOR))
    assert not wrong, wrong
    return document


def captured(changes, *arguments, **options):
    with tempfile.TemporaryDirectory() as directory:
        return report("--sysroot", make_tree(directory, changes), *arguments, **options)


def page_of(changes, *arguments, **options):
    with tempfile.TemporaryDirectory() as directory:
        result = run(HWPROBE, "--sysroot", make_tree(directory, changes), *arguments, **options)
    assert result.returncode == 0 and result.stderr == "", result
    return result.stdout


def way(document, name):
    return next(one for one in document["ways"] if one["way"] == name)


def access(document, kind):
    return next(one for one in document["access"] if one["kind"] == kind)
