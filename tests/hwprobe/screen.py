# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal that a test sits at: tmux, which knows what terminals do; and pictures to compare with."""
import difflib
import os
import shlex
import shutil
import subprocess
import tempfile
import time

import tap

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
WRITE = os.environ.get("HWS_GOLDEN") == "write"
PATIENCE = 30  # seconds: for a slow machine; a good one never waits


class Screen:
    """with Screen(80, 24) as screen: screen.run(["hwprobe", ...]); its shell tells how each ended."""

    def __init__(self, columns, rows, **environment):
        if not shutil.which("tmux"):
            raise tap.Skip("tmux", "tmux is not installed")
        self.directory = tempfile.TemporaryDirectory()
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", "TMUX": "",
                            "TMUX_TMPDIR": self.directory.name, **environment}
        self.size = ("-x", str(columns), "-y", str(rows))
        self.count = 0

    def __enter__(self):
        # a shell that echoes nothing of its own: what is seen is the program's
        self.tmux("-f", "/dev/null", "new-session", "-d", *self.size, "env PS1= /bin/sh")
        self.tmux("set", "-g", "status", "off")
        self.tmux("resize-window", *self.size)
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "kill-server"], env=self.environment, stderr=subprocess.DEVNULL, check=False)
        self.directory.cleanup()

    def tmux(self, *words):
        return subprocess.run(["tmux", *words], env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
                              timeout=60).stdout

    def run(self, words, **environment):
        """Starts it, on a screen that is otherwise empty."""
        self.count += 1
        sets = " ".join(f"{key}={shlex.quote(value)}" for key, value in environment.items())
        script = os.path.join(self.directory.name, "run")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"trap : INT; clear; {sets} {shlex.join(words)}; echo ended $? {self.count}; stty -a | grep -c -- ' -echo '\n")
        # what the last one left there could be taken for this one's
        self.tmux("send-keys", "-R")
        self.tmux("send-keys", f". {script}", "Enter")

    def text(self):
        return "\n".join(line.rstrip() for line in self.tmux("capture-pane", "-p").rstrip("\n").split("\n")) + "\n"

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def until(self, *wanted):
        """The screen as soon as it shows all of this."""
        deadline = time.monotonic() + PATIENCE
        while True:
            text = self.text()
            if all(word in text for word in wanted):
                return text
            assert time.monotonic() < deadline, (wanted, text)
            time.sleep(0.03)

    def shows(self, name):
        """The screen is, or soon becomes, the picture that is kept."""
        deadline = time.monotonic() + PATIENCE
        if WRITE:
            time.sleep(1)
        elif os.path.exists(os.path.join(GOLDEN, name + ".txt")):
            with open(os.path.join(GOLDEN, name + ".txt"), encoding="utf-8") as file:
                kept = file.read()
            while self.text() != kept and time.monotonic() < deadline:
                time.sleep(0.03)
        matches(name, self.text())

    def ended(self):
        """The exit code, and what is on the screen when it has ended. The terminal must echo again."""
        text = self.until("ended ", f" {self.count}\n")
        line = next(line for line in text.splitlines() if line.startswith("ended ") and line.endswith(f" {self.count}"))
        text = self.until(line + "\n0")
        return int(line.split()[1]), text[:text.index(line)]


def matches(name, text):
    """Is it the picture that is kept? HWS_GOLDEN=write keeps this one."""
    path = os.path.join(GOLDEN, name + ".txt")
    if WRITE:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(path, encoding="utf-8") as file:
        kept = file.read()
    assert text == kept, "\n".join(difflib.unified_diff(kept.splitlines(), text.splitlines(), path, "seen", lineterm=""))
