# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of hwprobe as its --help lists them, and for each a call that succeeds on the simulated machine."""
import os
import re
import shutil
import tempfile

from tap import journal_of, run

GRANTS = ["--grant", "msr = * rw danger", "--grant", "port = 0x70-0x80 rw", "--grant", "pci = *, config rw danger",
          "--grant", "bar = * * rw", "--grant", "dma = *", "--grant", "irq = 1234:11e8", "--grant", "cpuid = *"]


class Number(str):
    """A word that must be a number, or begin with one: garbage in its place is wrong use."""


class Place(str):
    """A word that must have a form of its own, such as an address: garbage is wrong use, or not found."""


def N(text):
    return Number(text)


def P(text):
    return Place(text)


def samples(directory):
    def file(name, content):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(content)
        return path
    steps = file("steps", "rd io 0x71\nwr io 0x80 0x12\n")
    policy = file("policy.conf", "[all]\nmsr = 0x10 r\n")
    plugin = shutil.copyfile(os.environ["HWPROBE_PLUGIN"], os.path.join(directory, "plugin.so"))
    os.chmod(plugin, 0o600)
    snapshot = file("snapshot", '{"schema_version": 1, "registers": [], "failed": []}\n')
    return {
        "doctor": [],
        "backends": [],
        "pci ls": [],
        "pci get": [P("00:04.0"), P("COMMAND")],
        "pci set": ["-y", P("00:04.0"), P("COMMAND=4:4")],
        "pci show": [P("00:04.0")],
        "pci dump": [P("00:04.0")],
        "pci tree": [],
        "msr ls": ["THERM"],
        "msr rd": [N("0x10")],
        "msr wr": ["-y", N("0x199"), N("0x1200")],
        "io in": [N("0x71")],
        "io out": ["-y", N("0x80"), N("0x12")],
        "mem rd": [P("00:05.0:0+0x4")],
        "mem wr": ["-y", P("00:05.0:0+0x4"), N("1")],
        "mem dump": [P("00:05.0:0+0x4"), N("4")],
        "mem wait": [P("00:04.0:0+0x1c"), N("0:1")],
        "cpuid": [N("0")],
        "ring info": [],
        "ring test": [],
        "dma test": ["-y", "--bits=28", P("00:03.0")],
        "irq wait": ["-y", "--bits=28", "--write=0+0x60=1", P("00:03.0")],
        "plugin check": [plugin],
        "policy check": [policy],
        "policy explain": ["msr", "r", P("0x10")],
        "policy lint": [policy],
        "policy diff": [policy, policy],
        "policy import": [file("list", "0x00000010 0x0000000000000000\n")],
        "policy export": [policy],
        "stat": [],
        "snapshot save": ["pci=00:04.0"],
        "snapshot diff": [snapshot],
        "snapshot restore": ["-y", snapshot],
        "restore": ["-n", file("journal", journal_of())],
        "batch": ["-y", steps],
        "txn": ["-y", steps],
        "bench": ["--rounds=1"],
        "sim check": [file("machine", "cpu count 2\n")],
        "sim show": [],
    }


class Verb:
    def __init__(self, hwprobe, name, words):
        self.hwprobe, self.name, self.words = hwprobe, name, words
        self.help = run(hwprobe, *name.split(), "--help").stdout

    def options(self):
        """(name, value's name or None) of the verb's own options."""
        _, _, rest = self.help.partition("Its options:")
        own = rest.partition("Options of all commands:")[0]
        return [(m[1], m[2]) for m in re.finditer(r"^  (?:-\S,|   ) --([\w-]+)(?:\[?=(\S+))?", own, re.M)]


def verbs(hwprobe):
    """Whatever --help lists, in its order."""
    text = run(hwprobe, "--help").stdout
    body = text.partition("Commands:\n")[2].partition("\n\n")[0]
    found = []
    for line in body.splitlines():
        if line.startswith("   "):
            continue  # the help of the line before
        words = (line[2:] if len(line) < 25 or line[24] != " " or line[23] != " " else line[2:24]).split()
        name = [w for w in words if re.fullmatch(r"[a-z][a-z-]*", w)]
        name = words[:next((i for i, w in enumerate(words) if w not in name), len(words))]
        found.append(Verb(hwprobe, " ".join(name), words[len(name):]))
    return found


def directory():
    return tempfile.TemporaryDirectory(prefix="hwprobe-")
