# SPDX-License-Identifier: LGPL-2.1-or-later
"""C as the lints see it: tokens, comments, directives and file-scope items, each with its line."""
import re
from collections import namedtuple

Token = namedtuple('Token', 'kind text line')
Comment = namedtuple('Comment', 'first last text')
Directive = namedtuple('Directive', 'first last keyword rest tokens')
# One thing at file scope. head: its tokens up to "{", "=" or ";"; body: what the braces hold.
Item = namedtuple('Item', 'kind name first last head body')

LEX = re.compile(r'''
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\.?\d[\w.]*)
  | (?P<punct>->|\.\.\.|[^\s\w])
''', re.S | re.M | re.X)
DIRECTIVE = re.compile(r'\s*#\s*(\w*)(.*)', re.S)
SHOUTED = re.compile(r'[A-Z][A-Z0-9_]*$')
NOT_A_NAME = {'__attribute__', '__typeof__', '_Alignas', '_Static_assert', '__extension__',
              'asm', '__asm__', '__asm', 'sizeof', 'if', 'for', 'while', 'switch', 'return'}


class Source:
    def __init__(self, text):
        self.comments, self.directives = [], []
        self.tokens = self._lex(text, 1)
        self.items = list(self._items())

    def _lex(self, text, line):
        tokens = []
        at = 0
        for match in LEX.finditer(text):
            line += text.count('\n', at, match.start())
            at = match.start()
            kind, found = match.lastgroup, match.group()
            last = line + found.count('\n')
            if kind == 'comment':
                self.comments.append(Comment(line, last, found))
            elif kind == 'directive':
                self._directive(found, line, last)
            elif not found.endswith('_DECLS'):
                tokens.append(Token(kind, found, line))
        return tokens

    def _directive(self, text, line, last):
        keyword, rest = DIRECTIVE.match(text).groups()
        before = text[:len(text) - len(rest)]
        tokens = self._lex(rest, line + before.count('\n'))
        self.directives.append(Directive(line, last, keyword, rest.strip(), tokens))

    def _items(self):
        """Cuts the tokens at each ";" or function end outside all braces."""
        start = depth = 0
        opened = None
        for at, token in enumerate(self.tokens):
            if token.text in '([{':
                if token.text == '{' and depth == 0 and opened is None:
                    opened = at
                depth += 1
            elif token.text in ')]}' and depth > 0:
                depth -= 1
            if depth:
                continue
            if opened is None and self._is_macro_call(start, at):
                start = at + 1
                continue
            head = self._head(start, at if opened is None else opened)
            ends_function = token.text == '}' and is_function_head(head, self.tokens, opened)
            if token.text == ';' or ends_function:
                yield self._item(start, at, opened, head, ends_function)
                start, opened = at + 1, None

    def _is_macro_call(self, start, end):
        """NAME(...) alone on its line: what it makes is not seen, what follows is an item."""
        first, last = self.tokens[start], self.tokens[end]
        after = self.tokens[end + 1] if end + 1 < len(self.tokens) else None
        return last.text == ')' and bool(SHOUTED.match(first.text)) and after is not None and \
            self.tokens[start + 1].text == '(' and after.line > last.line and \
            after.text not in ('{', ';')

    def _head(self, start, end):
        head = []
        for token in self.tokens[start:end]:
            if token.text == '=':
                break
            head.append(token)
        return head

    def _item(self, start, end, opened, head, is_function):
        words = [token.text for token in head]
        name = function_name(head)
        body = self.tokens[opened + 1:end] if opened is not None else None
        if is_function:
            kind = 'function'
        elif words and words[0] == 'typedef':
            kind = 'typedef'
        elif body is not None and words and words[0] in ('struct', 'union', 'enum'):
            kind, name = 'type', words[1] if len(words) > 1 else None
        elif name:
            kind = 'prototype'
        else:
            kind, name = 'variable', last_word(head)
        first = self.tokens[start].line
        return Item(kind, name, first, self.tokens[end].line, head, body)

    def comment_above(self, line):
        """The comment that ends on the line before; a contract (ACSL) may stand between."""
        for comment in self.comments:
            if comment.last == line - 1:
                contract = comment.text.startswith('/*@')
                return self.comment_above(comment.first) if contract else comment
        return None

    def function_at(self, line):
        return next((each for each in self.functions() if each.first <= line <= each.last), None)

    def macros(self):
        return [each for each in self.directives if each.keyword == 'define']

    def statement_end(self, line):
        """The last line of the statement or block that begins below @line."""
        depth = 0
        for token in self.tokens:
            if token.line <= line:
                continue
            depth += (token.text in '({[') - (token.text in ')}]')
            if depth <= 0 and token.text in ';}':
                return token.line
        return line

    def functions(self):
        return [each for each in self.items if each.kind == 'function']

    def code(self):
        """All lists of tokens: the code's, and each macro's."""
        return [self.tokens] + [macro.tokens for macro in self.macros()]


def calls(tokens, pattern):
    """Each word that matches and stands before "(", or, in an expression, before what is pasted to it."""
    for before, here, after in zip([None] + tokens, tokens, tokens[1:]):
        pasted = after.text[0] == '#' and before and before.text in ('(', '=', 'return')
        if here.kind == 'word' and (after.text == '(' or pasted) and pattern.match(here.text) and \
                not (before and before.text in ('.', '->')):
            yield here


def is_function_head(head, tokens, opened):
    return opened is not None and bool(head) and head[-1].text == tokens[opened - 1].text == ')'


def function_name(head):
    """The word before the parameters; attributes and shouted macros aside. None: no function."""
    depth = 0
    for here, after, then in zip(head, head[1:], head[2:]):
        if depth == 0 and here.kind == 'word' and after.text == '(' and \
                not SHOUTED.match(here.text) and here.text not in NOT_A_NAME:
            return None if then.text == '*' else here.text
        depth += (here.text == '(') - (here.text == ')')
    return None


def last_word(head):
    for token in reversed(head):
        if token.kind == 'word' and not SHOUTED.match(token.text):
            return token.text
    return None


def parameters(head, name):
    """Each parameter's tokens, as lists; none for (void)."""
    at = next(i for i, token in enumerate(head) if token.text == name and head[i + 1].text == '(')
    depth, lists = 0, [[]]
    for token in head[at + 1:]:
        depth += token.text == '('
        if token.text == ',' and depth == 1:
            lists.append([])
        elif not (token.text == '(' and depth == 1) and not (token.text == ')' and depth == 1):
            lists[-1].append(token)
        depth -= token.text == ')'
        if depth == 0:
            break
    return [] if [t.text for t in lists[0]] in ([], ['void']) else lists
