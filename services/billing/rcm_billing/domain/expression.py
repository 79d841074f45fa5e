"""The language of payer rules: CEL (Common Expression Language), checked before it runs and bounded when it runs.

CEL has no loops, no I/O, no clock and no way into Python objects; what it can still do, grow, is bounded by counts of
the expression and of the claim, never by a clock: the same claim gives the same answer on every machine.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_CHARACTERS = 1000
MAX_DEPTH = 24  # of brackets
MAX_MACROS = 6
MAX_NESTING = 2  # of macros in macros
MAX_SUMS = 16
MAX_STEPS = 200_000  # of one evaluation, counted before it starts

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
FUNCTIONS = frozenset({"contains", "endsWith", "has", "int", "matches", "size", "startsWith", "string"})
_TOKEN = re.compile(
    r"""\s+|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])"""
)
_WORDS = frozenset({"true", "false", "null", "in"})
_STRING_PREFIXES = frozenset("rRbB")


class BadExpression(Exception):
    """An expression that is not taken; `reason` is a code, `position` a character in it (from 1; 0: none)."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class NotJudged(Exception):
    """An expression failed or would cost too much on one claim; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, the fields it reads, and what bounds its cost."""

    source: str
    fields: tuple[str, ...]
    members: tuple[str, ...]  # of entries, that it names
    nesting: int
    factor: int  # macros times lists that are put together
    literals: int  # entries of lists that the text itself holds
    program: Any

    def steps(self, longest: int) -> int:
        """Return the most steps that the expression can take when the longest list has so many entries."""
        entries = longest + self.literals
        return (entries * entries if self.nesting > 1 else entries) * self.factor


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def _tokens(source: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise BadExpression("expression-character", at + 1)
        if match.lastgroup:
            if match.lastgroup == "text" and found and found[-1].kind == "name" and _touches(found[-1], at):
                raise BadExpression("expression-string-prefix", at + 1)
            found.append(_Token(match.lastgroup, match[0], at + 1))
        at = match.end()
    return found


def _touches(token: _Token, at: int) -> bool:
    return token.position - 1 + len(token.text) == at and token.text[-1:] in _STRING_PREFIXES


@dataclass(frozen=True, slots=True)
class _Shape:
    nesting: int
    macros: int
    sums: int
    literals: int
    bound: frozenset[str]  # names that macros bring in


def _shape(tokens: list[_Token]) -> _Shape:
    """Count what can make an expression grow, and refuse it where it is too much.

    Raises: BadExpression.
    """
    stack: list[bool] = []  # open brackets: does a macro's argument begin here
    nesting = macros = sums = literals = 0
    bound: set[str] = set()
    for index, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in "([{":
            before = tokens[index - 1] if index else None
            macro = before is not None and before.text in MACROS and _is_called(tokens, index - 1)
            stack.append(macro and token.text == "(")
            if stack[-1]:
                macros += 1
                nesting = max(nesting, sum(stack))
                if index + 1 < len(tokens) and tokens[index + 1].kind == "name":
                    bound.add(tokens[index + 1].text)
            if len(stack) > MAX_DEPTH:
                raise BadExpression("expression-too-deep", token.position)
        elif token.text in ")]}":
            if not stack:
                raise BadExpression("expression-bracket", token.position)
            stack.pop()
        elif token.text == "+":
            sums += 1
        elif token.text == ",":
            literals += 1
    if macros > MAX_MACROS or nesting > MAX_NESTING or sums > MAX_SUMS:
        raise BadExpression("expression-too-costly")
    return _Shape(nesting, macros, sums, literals, frozenset(bound))


def _is_called(tokens: list[_Token], index: int) -> bool:
    return index > 0 and tokens[index - 1].text == "."


def _check_names(
    tokens: list[_Token], shape: _Shape, fields: Mapping[str, Collection[str]], members: Collection[str]
) -> None:
    """Refuse every name that is no field, no member of an entry, no function and no word of the language.

    Raises: BadExpression.
    """
    for index, token in enumerate(tokens):
        if token.kind != "name":
            continue
        called = index + 1 < len(tokens) and tokens[index + 1].text == "("
        if index and tokens[index - 1].text == ".":
            known = MACROS | FUNCTIONS if called else members
        elif called:
            known = FUNCTIONS
        else:
            known = fields.keys() | shape.bound | _WORDS
        if token.text not in known:
            raise BadExpression("expression-name-unknown", token.position)
    for name in shape.bound & fields.keys():
        raise BadExpression("expression-name-taken", next(t.position for t in tokens if t.text == name))


def compile_expression(source: str, fields: Mapping[str, Collection[str]]) -> Expression:
    """Compile an expression over these fields; a field that is a list names the members of its entries.

    Raises: BadExpression with a code and a position.
    """
    if not source.strip() or len(source) > MAX_CHARACTERS:
        raise BadExpression("expression-length")
    tokens = _tokens(source)
    shape = _shape(tokens)
    members = {member for entry in fields.values() for member in entry}
    _check_names(tokens, shape, fields, members)
    program = _program(source)
    return Expression(
        source,
        tuple(name for name in program.variables() if name in fields),
        tuple(sorted(members.intersection(token.text for token in tokens))),
        max(shape.nesting, 1),
        max(shape.macros, 1) * (1 + shape.sums),
        shape.literals,
        program,
    )


@lru_cache(maxsize=4096)
def _program(source: str) -> Any:
    from cel import compile as compile_cel  # the package loads a terminal toolkit: only where there is a rule

    try:
        return compile_cel(source)
    except Exception as error:
        raise BadExpression("expression-syntax") from error


def evaluate(expression: Expression, values: Any, longest: int) -> object:
    """Return what an expression says of a claim; `values` come from `context_of`.

    Raises: NotJudged when it fails or would take too many steps.
    """
    if expression.steps(longest) > MAX_STEPS:
        raise NotJudged("too-costly")
    try:
        return expression.program.execute(values)
    except Exception as error:
        raise NotJudged(_REASONS.get(type(error), "failed")) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the engine's own fault, not a request to stop
            raise
        raise NotJudged("failed") from error


def context_of(values: dict[str, Any]) -> Any:
    """Return values as the engine takes them; converted once for all rules of a claim."""
    from cel import Context

    return Context(values)


_REASONS: Mapping[type[BaseException], str] = {
    IndexError: "no-such-entry",
    KeyError: "no-such-member",
    OverflowError: "number-too-large",
    TypeError: "wrong-type",
    ZeroDivisionError: "division-by-zero",
}
