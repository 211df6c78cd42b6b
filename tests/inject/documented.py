#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes documented.c of public headers: which codes each function's Return: names."""
import re
import sys

COMMENT = re.compile(r"/\*\*\n \* (\w+)\(\) - (.*?)\*/", re.S)


def returns(text):
    """The paragraph after Return:, as one line."""
    found = re.search(r"Return: (.*?)(\n \*\s*\n|\Z)", text, re.S)
    return re.sub(r"\s*\n \*\s*", " ", found.group(1)) if found else ""


def codes(name, paragraphs, seen=()):
    """Those that it names, and those of the functions that it refers to."""
    text = paragraphs.get(name, "")
    found = set(re.findall(r"-(E[A-Z0-9]+)", text))
    if re.search(r"-errno|whatever|status of the|\bwhy the|what [^;.]*(gave|gives|said|says)", text):
        found.add("*")
    for other in re.findall(r"\b(hws_\w+)\(\)", text):
        if other not in seen and other != "hws_why":
            found |= codes(other, paragraphs, (*seen, name))
    return found


paragraphs = {}
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        for name, text in COMMENT.findall(file.read()):
            paragraphs[name] = returns(text)
print("/* Made by documented.py. */\n#include <string.h>\n#include \"tests/inject/inject.h\"\n")
print("static const struct { const char *name, *codes; } all[] = {")
for name in sorted(paragraphs):
    print(f'\t{{ "{name}", " {" ".join(sorted(codes(name, paragraphs)))} " }},')
print("""};

const char *inject_documented(const char *function)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].name, function))
			return all[i].codes;
	return NULL;
}""")
