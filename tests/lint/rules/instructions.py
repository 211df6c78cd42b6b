# SPDX-License-Identifier: LGPL-2.1-or-later
"""No object of the library but those of shim/ holds a hardware instruction: read by objdump."""
import os
import re
import shutil
import subprocess

from tree import Problem, floor_of

X86 = re.compile(r'(in|out|ins[bwl]?|outs[bwl]?|rdmsr|wrmsr|cpuid|rdpmc|rdtscp?|rdpkru|wrpkru|'
                 r'rdpid|[cs]li|hlt|iretq?|invd|wbinvd|invlpg|clflush(opt)?|clwb|x[sg]etbv|swapgs|'
                 r'[ls][gi]dt|lldt|ltr|lmsw|clts|syscall|sysenter|sysretq?|int|vmcall|vmmcall)'
                 r'(\s|$)')
ARM = re.compile(r'(msr|mrs|sysl?|svc|hvc|smc|dc|ic|at|tlbi|dsb|wfi|wfe|eret)(\s|$)')
ARM_HARMLESS = re.compile(r'\b(tpidr_el0|fpcr|fpsr|nzcv|dczid_el0)\b')
PREFIX = re.compile(r'((rep[nz]*e?|lock|data16|addr32|notrack|bnd|[c-gs]s|rex\S*)\s+)+')
FUNCTION = re.compile(r'[0-9a-f]+ <([^>]+)>:$')
LINE = re.compile(r'\s+[0-9a-f]+:\t(.*)')
OBJECT = re.compile(r'(\S+):\s+file format')


def is_hardware(machine, instruction):
    if machine == 'aarch64':
        return ARM.match(instruction) and not ARM_HARMLESS.search(instruction)
    return X86.match(PREFIX.sub('', instruction))


def disassembler(machine):
    if machine == os.uname().machine:
        return shutil.which('objdump')
    return shutil.which(machine + '-linux-gnu-objdump')


def found(lines, machine):
    """(object, function, instruction) of each hardware instruction."""
    obj = function = None
    for line in lines:
        if OBJECT.match(line):
            obj = os.path.basename(OBJECT.match(line).group(1))
        elif FUNCTION.match(line):
            function = FUNCTION.match(line).group(1)
        elif LINE.match(line):
            instruction = LINE.match(line).group(1).strip()
            if is_hardware(machine, instruction):
                yield obj, function, re.sub(r'\s+', ' ', instruction)


def check(tree):
    if not tree.objects():
        return
    machine = tree.objects()[0][1].machine
    objdump = disassembler(machine)
    if not objdump:
        tree.skip('there is no objdump for ' + machine)
        return
    archive = tree.built('hw/libhwsafe-internal.a')
    run = subprocess.run([objdump, '-d', '--no-show-raw-insn', archive], text=True,
                         capture_output=True, check=True)
    for obj, function, instruction in found(run.stdout.splitlines(), machine):
        file = tree.source_of(obj)
        function = function.split('.')[0]  # .cold, .part.0
        if floor_of(file) != 'shim':
            yield Problem(file, tree.line_of(file, function), '%s() holds "%s"; hardware '
                          'instructions live in shim/' % (function, instruction))
