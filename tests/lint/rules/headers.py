# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual in the public headers agrees with what it describes: names, parameters, Return.

"/** name() - summary", "@param:" for each (a pointer's text starts with its ownership word),
"Return:" unless void. Macros and types are described too; structs have no typedef.
"""
import re

from csource import SHOUTED, parameters
from tree import Problem

OWNERSHIP = re.compile(r'(borrowed|taken|out|shared)\b')
TITLE = re.compile(r'/\*\*\s*(?:\*\s*)?(?:(struct|enum|union)\s+)?(\w+)(\(\))?\s*(-)?')
PARAM = re.compile(r'^[\s*/]*@(\w+|\.\.\.):[ \t]*(.*)$', re.M)
MACRO = re.compile(r'(\w+)(\(([^)]*)\))?')


def parameter_name(tokens, function_types):
    """(name, is it a pointer to data?)"""
    texts = [token.text for token in tokens]
    if texts == ['...']:
        return '...', False
    if '(' in texts and '*' in texts[texts.index('('):]:
        at = texts.index('*', texts.index('('))
        return texts[at + 1], False
    end = texts.index('[') if '[' in texts else len(texts)
    to_data = ('*' in texts or '[' in texts) and not function_types.intersection(texts)
    return texts[end - 1], to_data


def returns_something(item):
    before = []
    for token in item.head:
        if token.text == item.name:
            break
        if not SHOUTED.match(token.text) and token.text not in ('static', 'inline', 'extern'):
            before.append(token.text)
    return before != ['void']


def title_problem(comment, name, call):
    wanted = '"/** %s%s - ..."' % (name, '()' if call else '')
    title = TITLE.match(comment.text) if comment else None
    if not title:
        return '%s has no %s right above' % (name, wanted)
    if title.group(2) != name or not title.group(4):
        return 'the comment above %s does not begin with %s' % (name, wanted)
    return None


def parameter_problems(name, comment, wanted):
    """@wanted: (name, is pointer) in order."""
    described = PARAM.findall(comment.text)
    known = dict(described)
    names = [each for each, _ in wanted]
    for each, pointer in wanted:
        if each not in known:
            yield '%s() does not describe @%s' % (name, each)
        elif pointer and not OWNERSHIP.match(known[each]):
            yield ('%s(): @%s does not begin with borrowed, taken, out or shared' % (name, each))
    for each in known:
        if each not in names:
            yield '%s() describes @%s, which is no parameter' % (name, each)
    order = [each for each, _ in described if each in names]
    if order != [each for each in names if each in known]:
        yield '%s() describes its parameters in another order' % name


def function_problems(source, item, function_types):
    comment = source.comment_above(item.first)
    problem = title_problem(comment, item.name, True)
    if problem:
        yield problem
        return
    wanted = [parameter_name(tokens, function_types)
              for tokens in parameters(item.head, item.name)]
    yield from parameter_problems(item.name, comment, wanted)
    has = re.search(r'^[\s*]*Return:', comment.text, re.M)
    if returns_something(item) and not has:
        yield '%s() does not say what it returns: "Return:"' % item.name
    elif has and not returns_something(item):
        yield '%s() returns nothing but has "Return:"' % item.name


def macro_problems(source, guard):
    covered = None
    for macro in source.macros():
        name, call, names = MACRO.match(macro.rest).groups()
        comment = source.comment_above(macro.first)
        follows = covered == macro.first - 1
        if name == guard or name.endswith('_DECLS'):
            continue
        if not comment and follows:
            covered = macro.last
            continue
        problem = title_problem(comment, name, call)
        if problem:
            yield macro.first, problem
            continue
        covered = macro.last
        if call and not SHOUTED.match(name):
            wanted = [(each.strip(), False) for each in names.split(',') if each.strip()]
            for text in parameter_problems(name, comment, wanted):
                yield macro.first, text


def type_problem(source, item):
    comment = source.comment_above(item.first)
    keyword = item.head[0].text
    if not comment:
        return '%s %s is not described: "/** %s %s - ..."' % (keyword, item.name, keyword,
                                                              item.name)
    title = TITLE.match(comment.text)
    if title and (title.group(1), title.group(2)) != (keyword, item.name):
        return 'the comment above %s %s describes something else' % (keyword, item.name)
    return None


def guard_of(source):
    return next((each.rest for each in source.directives if each.keyword == 'ifndef'), None)


def problems(source, function_types):
    for item in source.items:
        words = [token.text for token in item.head]
        if item.kind == 'typedef' and words[1] in ('struct', 'union', 'enum'):
            yield item.first, 'a typedef hides a %s; write "%s %s"' % (words[1], *words[1:3])
        elif item.kind == 'type':
            text = type_problem(source, item)
            if text:
                yield item.first, text
        elif item.kind == 'function' or 'HWS_API' in words and item.kind == 'prototype':
            for text in function_problems(source, item, function_types):
                yield item.first, text
    yield from macro_problems(source, guard_of(source))


def check(tree):
    headers = [header for header in tree.public_headers() if tree.has(header)]
    function_types = {item.name for header in headers for item in tree.c(header).items
                      if item.kind == 'typedef' and item.name}
    for header in headers:
        for line, text in problems(tree.c(header), function_types):
            yield Problem(header, line, text)
