"""The language between `${{` and `}}` of GitHub's workflows and actions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.integrations.runner.values import equal, less, member, members, number, string, truthy

Function = Callable[..., object]
STATUS = frozenset(("success", "failure", "always", "cancelled"))
"""Functions that look at the state of the job. A condition without one of them also asks for `success()`."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<number>-?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))
      | (?P<name>[A-Za-z_][\w-]*)
      | (?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*])
    )""",
    re.VERBOSE,
)
_WORDS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}


class ExpressionError(Exception):
    """An expression that GitHub refuses."""


@dataclass(frozen=True)
class Scope:
    """What an expression can name: contexts such as `github`, and functions of the place where it is evaluated."""

    contexts: Mapping[str, object]
    functions: Mapping[str, Function] = field(default_factory=dict)


Node = Callable[[Scope], object]


def evaluate(text: str, scope: Scope) -> object:
    """The value of one expression, written without its braces. Raises `ExpressionError`."""
    return _Parser(text).whole()(scope)


def expand(text: str, scope: Scope) -> object:
    """A value of a workflow file: an expression alone keeps its type; in other text it becomes text."""
    pieces = list(_pieces(text))
    if len(pieces) == 1 and pieces[0][0]:
        return evaluate(pieces[0][1], scope)
    return "".join(
        string(evaluate(piece, scope)) if is_expression else piece
        for is_expression, piece in pieces
    )


def condition(text: object, scope: Scope) -> bool:
    """An `if`. Braces are optional, and without a function of the job's state `success()` is asked first."""
    source = string(text).strip()
    pieces = list(_pieces(source))
    if "${{" not in source:
        pieces = [(True, source)]
    if len(pieces) == 1 and pieces[0][0]:
        parser = _Parser(pieces[0][1])
        node = parser.whole()
        if parser.functions & STATUS:
            return truthy(node(scope))
        return truthy(evaluate("success()", scope)) and truthy(node(scope))
    # Text around an expression makes the whole a string that is not empty, and so true. GitHub does the same.
    called = {name for is_expression, piece in pieces if is_expression for name in _called(piece)}
    value = truthy(expand(source, scope))
    return value if called & STATUS else truthy(evaluate("success()", scope)) and value


def _called(text: str) -> set[str]:
    parser = _Parser(text)
    parser.whole()
    return parser.functions


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Plain text and expressions in turn; a brace within quotes ends nothing."""
    found: list[tuple[bool, str]] = []
    rest = text
    while "${{" in rest:
        plain, rest = rest.split("${{", 1)
        if plain:
            found.append((False, plain))
        end = re.match(r"((?:[^'}]|'(?:[^']|'')*'|\}(?!\}))*)\}\}", rest)
        if end is None:
            raise ExpressionError(f"no }}}} in {text!r}")
        found.append((True, end[1]))
        rest = rest[end.end() :]
    if rest:
        found.append((False, rest))
    return found


class _Parser:
    """Recursive descent, loosest first: `||`, `&&`, equality, order, `!`, members."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.functions: set[str] = set()
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise ExpressionError(f"unexpected symbol in {text!r} at {place}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()

    def whole(self) -> Node:
        node = self.either()
        if self.tokens:
            raise ExpressionError(f"unexpected {self.tokens[0][1]!r} in {self.text!r}")
        return node

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def expect(self, sign: str) -> None:
        if self.take(sign) is None:
            raise ExpressionError(f"no {sign!r} in {self.text!r}")

    def either(self) -> Node:
        node = self.both()
        while self.take("||"):
            node = _or(node, self.both())
        return node

    def both(self) -> Node:
        node = self.equality()
        while self.take("&&"):
            node = _and(node, self.equality())
        return node

    def equality(self) -> Node:
        node = self.order()
        while sign := self.take("==", "!="):
            node = _compare(sign, node, self.order())
        return node

    def order(self) -> Node:
        node = self.negation()
        while sign := self.take("<", "<=", ">", ">="):
            node = _compare(sign, node, self.negation())
        return node

    def negation(self) -> Node:
        if self.take("!"):
            inner = self.negation()
            return lambda scope: not truthy(inner(scope))
        return self.path()

    def path(self) -> Node:
        node = self.atom()
        while sign := self.take(".", "["):
            if sign == "[":
                node = _all(node) if self.take("*") else _member(node, self.either())
                self.expect("]")
            elif self.take("*"):
                node = _all(node)
            else:
                kind, name = self.tokens.pop(0) if self.tokens else ("", "")
                if kind != "name":
                    raise ExpressionError(f"no name behind the dot in {self.text!r}")
                node = _member(node, _constant(name))
        return node

    def atom(self) -> Node:
        if self.take("("):
            node = self.either()
            self.expect(")")
            return node
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind == "string":
            return _constant(text[1:-1].replace("''", "'"))
        if kind == "number":
            return _constant(number(text))
        if kind != "name":
            raise ExpressionError(f"unexpected {text!r} in {self.text!r}")
        if self.take("("):
            return self.call(text)
        return _constant(_WORDS[text]) if text in _WORDS else _context(text)

    def call(self, name: str) -> Node:
        arguments: list[Node] = []
        if not self.take(")"):
            arguments.append(self.either())
            while self.take(","):
                arguments.append(self.either())
            self.expect(")")
        self.functions.add(name.lower())
        return _call(name, arguments)


def _constant(value: object) -> Node:
    return lambda scope: value


def _or(left: Node, right: Node) -> Node:
    def node(scope: Scope) -> object:
        value = left(scope)
        return value if truthy(value) else right(scope)

    return node


def _and(left: Node, right: Node) -> Node:
    def node(scope: Scope) -> object:
        value = left(scope)
        return right(scope) if truthy(value) else value

    return node


def _compare(sign: str, left: Node, right: Node) -> Node:
    def node(scope: Scope) -> object:
        one, two = left(scope), right(scope)
        return {
            "==": lambda: equal(one, two),
            "!=": lambda: not equal(one, two),
            "<": lambda: less(one, two),
            "<=": lambda: less(one, two) or equal(one, two),
            ">": lambda: less(two, one),
            ">=": lambda: less(two, one) or equal(one, two),
        }[sign]()

    return node


def _member(value: Node, key: Node) -> Node:
    return lambda scope: member(value(scope), key(scope))


def _all(value: Node) -> Node:
    return lambda scope: members(value(scope))


def _context(name: str) -> Node:
    def node(scope: Scope) -> object:
        for each, value in scope.contexts.items():
            if each.lower() == name.lower():
                return value
        raise ExpressionError(f"unrecognized named-value: {name!r}")

    return node


def _call(name: str, arguments: list[Node]) -> Node:
    def node(scope: Scope) -> object:
        functions = {key.lower(): each for key, each in {**FUNCTIONS, **scope.functions}.items()}
        function = functions.get(name.lower())
        if function is None:
            raise ExpressionError(f"unrecognized function: {name!r}")
        return function(*(argument(scope) for argument in arguments))

    return node


def _contains(where: object, what: object) -> bool:
    if isinstance(where, list):
        return any(equal(each, what) for each in where)
    return string(what).upper() in string(where).upper()


def _format(text: object, *values: object) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] is None or int(match[1]) >= len(values):
            raise ExpressionError(f"the format string {string(text)!r} is invalid")
        return string(values[int(match[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}|[{}]", replace, string(text))


def _join(values: object, separator: object = ",") -> str:
    items = values if isinstance(values, list) else [values]
    return string(separator).join(string(each) for each in items)


FUNCTIONS: dict[str, Function] = {
    "contains": _contains,
    "startsWith": lambda text, part: string(text).upper().startswith(string(part).upper()),
    "endsWith": lambda text, part: string(text).upper().endswith(string(part).upper()),
    "format": _format,
    "join": _join,
    "toJSON": lambda value: json.dumps(value, indent=2),
    "fromJSON": lambda text: json.loads(string(text)),
}
"""The functions that need nothing of the job."""
