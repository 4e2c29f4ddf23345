"""The cluster query language of placement constraints and of ListContainerInstances' filter, the part that people use.

`attribute:name`, `agentConnected`, `agentVersion`-like subjects, `==`, `equals`, `!=`, `not_equals`, `in [a, b]`, `not_in`, `exists`,
`!exists`, `not_exists`, `=~`, `matches`, `and`/`&&`, `or`/`||`, `not`/`!`, parentheses (AWS: cluster query language).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence

Attributes = Mapping[str, str | None]
Test = Callable[[Attributes], bool]

TOKEN = re.compile(r"\s*(\(|\)|\[|\]|,|==|!=|=~|!~|&&|\|\||![a-z_]+|!|'[^']*'|\"[^\"]*\"|[^\s()\[\],=!&|]+)")

BINARY = {"==": "==", "equals": "==", "!=": "!=", "not_equals": "!=", "=~": "=~", "matches": "=~"}
SETS = {"in": True, "not_in": False, "!in": False}
PRESENCE = {"exists": True, "not_exists": False, "!exists": False}


class ExpressionError(ValueError):
    """The expression cannot be read."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        position = 0
        stripped = text.strip()
        while position < len(stripped):
            match = TOKEN.match(stripped, position)
            if not match:
                raise ExpressionError(f"Invalid expression at '{stripped[position:]}'")
            self.tokens.append(match.group(1))
            position = match.end()
        self.at = 0

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise ExpressionError("The expression ends too early")
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            raise ExpressionError(f"Expected '{token}' instead of '{found}'")

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek() in ("or", "||"):
            self.take()
            tests.append(self.both())
        return lambda attributes: any(test(attributes) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek() in ("and", "&&"):
            self.take()
            tests.append(self.one())
        return lambda attributes: all(test(attributes) for test in tests)

    def one(self) -> Test:
        ahead = self.peek()
        if ahead in ("not", "!"):
            self.take()
            inner = self.one()
            return lambda attributes: not inner(attributes)
        if ahead == "(":
            self.take()
            inner = self.either()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        subject = self.take()
        name = subject.split(":", 1)[1] if subject.startswith("attribute:") else subject
        operator = self.take()
        if operator in PRESENCE:
            wanted = PRESENCE[operator]
            return lambda attributes: (name in attributes) is wanted
        if operator in SETS:
            within = SETS[operator]
            values = self.values()
            return lambda attributes: (attributes.get(name) in values) is within
        if operator not in BINARY:
            raise ExpressionError(f"Unknown operator '{operator}'")
        value = self.value()
        kind = BINARY[operator]
        if kind == "=~":
            pattern = re.compile(fnmatch.translate(value)) if "*" in value and ".*" not in value else re.compile(value)
            return lambda attributes: pattern.fullmatch(attributes.get(name) or "") is not None
        if kind == "==":
            return lambda attributes: name in attributes and attributes[name] == value
        return lambda attributes: attributes.get(name) != value

    def value(self) -> str:
        token = self.take()
        return token[1:-1] if token[0] in "'\"" else token

    def values(self) -> Sequence[str]:
        self.expect("[")
        found = [self.value()]
        while self.peek() == ",":
            self.take()
            found.append(self.value())
        self.expect("]")
        return found


def compile_expression(text: str) -> Test:
    """A test over an instance's attributes. Raises `ExpressionError` for what cannot be read."""
    parser = _Parser(text)
    try:
        test = parser.either()
    except re.error as error:
        raise ExpressionError(str(error)) from error
    left = parser.peek()
    if left is not None:
        raise ExpressionError(f"Unexpected '{left}'")
    return test
