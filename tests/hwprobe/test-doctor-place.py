#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The doctor knows where it runs: filters, namespaces, clouds, and what the processor does ahead. Arguments:
hwprobe, jail, schema."""
import os
import re
import sys

import tap
from doctorkit import HWPROBE, access, captured, page_of, report, way
from tap import run

JAIL = sys.argv[2]


def test_seccomp_is_told_from_the_kernel():
    document = report(before=(JAIL, "refuse-all"))
    if os.uname().machine == "x86_64" and os.getuid() == 0:
        assert way(document, "ioperm")["error"] == "EPERM", way(document, "ioperm")
        assert "seccomp" in way(document, "ioperm")["why"], way(document, "ioperm")
        assert "seccomp" in way(document, "ioperm")["fix"], way(document, "ioperm")
    ring = way(document, "io_uring")
    assert ring["status"] == "partial" and "seccomp" in ring["why"] and "epoll" in ring["rest"], ring
    assert access(document, "ring")["native"] == "partial"


def test_speculation_is_told_as_the_kernel_does():
    """The words of /proc/PID/status, which is another way to ask, against those of the doctor, whose parent we are."""
    words = {"not vulnerable": "not affected", "thread force mitigated": "for good",
             "thread mitigated": "disabled for this process", "thread vulnerable": "may disable it",
             "globally mitigated": "mitigated by default", "unknown": "not known",
             "vulnerable": "for every process|not known|not for what it executes"}
    with open("/proc/self/status", encoding="ascii") as file:
        told = re.findall(r"^Speculation_Store_Bypass:\t(.*)$", file.read(), re.M)
    if not told or told[0] not in words:
        raise tap.Skip("speculation", "the kernel doesn't tell")
    one = way(report(), "store bypass")
    assert re.search(words[told[0]], one["why"]), (told, one)


def test_flaws_are_a_line():
    folder = "sys/devices/system/cpu/vulnerabilities/"
    changes = {folder + "mds": "Vulnerable; SMT vulnerable\n", folder + "l1tf": "Not affected\n"}
    one = way(captured(changes), "processor flaws")
    assert (one["status"], one["why"]) == ("partial", "1 of 2 says Vulnerable: mds"), one
    assert "1 of 2 says Vulnerable: mds" in page_of(changes, "doctor", "--long") and "mds" not in page_of(changes)


# A service of a cloud, what it sets, and where hardware is instead; "": it can be given some.
SERVICES = {
    "aws-lambda": ({"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}, "an EC2 instance"),
    "aws-fargate": ({"ECS_CONTAINER_METADATA_URI_V4": "http://x", "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, "an EC2 instance"),
    "aws-ecs": ({"ECS_CONTAINER_METADATA_URI_V4": "http://x", "AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, ""),
    "cloud-run": ({"K_SERVICE": "s", "K_REVISION": "s-1"}, "a Compute Engine VM"),
    "cloud-functions": ({"K_SERVICE": "s", "FUNCTION_TARGET": "main"}, "a Compute Engine VM"),
    "kubernetes": ({"K_SERVICE": "s", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ""),
    "azure-functions": ({"FUNCTIONS_WORKER_RUNTIME": "python"}, "an Azure VM"),
    "azure-container-apps": ({"CONTAINER_APP_NAME": "a", "FUNCTIONS_WORKER_RUNTIME": "python"}, "an Azure VM"),
}


def test_services_of_clouds_have_no_hardware():
    theirs = {name for variables, _ in SERVICES.values() for name in variables}
    clean = {name: value for name, value in os.environ.items() if name not in theirs}
    clean.update(HWSAFE_SOCKET="/nonexistent/socket", LC_ALL="C")
    for name, (variables, elsewhere) in SERVICES.items():
        document = report(env={**clean, **variables})
        assert document["machine"]["container"] == name, (name, document["machine"])
        closed = [one for one in document["ways"] if one["status"] == "no" and one["error"] != "EOPNOTSUPP" and
                  one["through"] and one["kind"] != "ring"]
        assert "hwsafe-helper" in [one["way"] for one in closed], (name, closed)
        for one in closed:
            told = one["why"] == name + " gives no program its hardware" and one["rest"] == "sim"
            assert told == bool(elsewhere), (name, one)
            assert ("use sim, or " + elsewhere in one["fix"] if elsewhere else "sim" not in one["fix"]), (name, one)
        page = run(HWPROBE, env={**clean, **variables}).stdout
        assert re.search(r"container +" + name, page), page
        assert max(len(line) for line in page.splitlines()) <= 80, page
    assert captured({}, env={**clean, "K_SERVICE": "s"})["machine"]["container"] == ""


def test_user_namespace_is_told():
    before = ("unshare", "-Ur")
    if os.uname().machine != "x86_64" or run(*before, "true").returncode:
        raise tap.Skip("userns", "no user namespace can be made here")
    one = way(report(before=(*before, JAIL, "refuse-all")), "ioperm")
    assert "user namespace" in one["why"], one


tap.main(dict(globals()))
