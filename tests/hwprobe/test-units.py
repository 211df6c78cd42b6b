#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units for systemd, as its own tools judge them. Arguments: hwsafe-helper, helper/systemd."""
import os
import re
import shutil
import sys
import tempfile

import tap
from tap import run

HELPER, UNITS = map(os.path.abspath, sys.argv[1:3])
ANALYZE = shutil.which("systemd-analyze")
MOST = 35 # tenths of "exposure": it must start as root, and reach devices


def installed():
    """A directory with both units as they are installed, for this build's helper."""
    directory = tempfile.mkdtemp(prefix="hwsafe-units-")
    with open(os.path.join(UNITS, "hwsafe-helper.service.in"), encoding="utf-8") as file:
        text = file.read().replace("@libexecdir@", os.path.dirname(HELPER))
    with open(os.path.join(directory, "hwsafe-helper.service"), "w", encoding="utf-8") as file:
        file.write(text)
    shutil.copy(os.path.join(UNITS, "hwsafe-helper.socket"), directory)
    return directory


def need_systemd():
    if not ANALYZE:
        raise tap.Skip("systemd", "there is no systemd-analyze")


def test_systemd_has_nothing_to_say():
    need_systemd()
    directory = installed()
    try:
        for unit in "hwsafe-helper.socket", "hwsafe-helper.service":
            result = run(ANALYZE, "verify", "--man=no", os.path.join(directory, unit))
            assert result.returncode == 0 and "hwsafe" not in result.stderr, result
    finally:
        shutil.rmtree(directory)


def test_exposure_stays_low():
    need_systemd()
    directory = installed()
    try:
        result = run(ANALYZE, "security", "--no-pager", "--offline=true", f"--threshold={MOST}",
                     os.path.join(directory, "hwsafe-helper.service"))
        assert result.returncode == 0, result.stdout[-300:]
    finally:
        shutil.rmtree(directory)


def capabilities_of_the_unit():
    with open(os.path.join(UNITS, "hwsafe-helper.service.in"), encoding="utf-8") as file:
        words = re.search(r"^CapabilityBoundingSet=(.*)$", file.read(), re.M).group(1)
    return set(words.lower().split())


def test_unit_lets_the_helper_have_what_it_declares_and_becoming_its_user():
    declared = {line.split()[0] for line in run(HELPER, "self-check", "--declared").stdout.splitlines()}
    assert len(declared) == 4 and all(name.startswith("cap_") for name in declared), declared
    assert capabilities_of_the_unit() == declared | {"cap_setuid", "cap_setgid", "cap_setpcap"}


tap.main(dict(globals()))
