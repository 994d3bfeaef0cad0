"""What is wrong with the text of an expression, in words for people."""

from __future__ import annotations

import json
import re

_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`((?:\\.|[^`\\])*)`""", re.DOTALL)


class ExpressionError(ValueError):
    """An expression that cannot be read. `word` is the part of the text that is wrong."""

    text = ""
    """The whole expression, where the error was found in one."""
    in_key = False
    """Whether it stands in a key of the YAML, not in a value."""

    def __init__(self, message: str, hint: str, word: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.word = word


def nesting(text: str) -> int:
    """How deep the brackets go, or how many `!` follow one another."""
    depth = deepest = 0
    for part in re.findall(r"!+(?!=)|[()\[\]{}]", re.sub(r"'(\\.|[^'\\])*'|\"(\\.|[^\"\\])*\"", "", text)):
        depth += (part in "([{") - (part in ")]}")
        deepest = max(deepest, depth, len(part))
    return deepest


def check_literals(text: str) -> None:
    """Refuse what stands between backticks and is not JSON; JMESPath's own parser takes it for text, for now.

    Raises:
        ExpressionError: for the first one.
    """
    for quoted in _QUOTED.finditer(text):
        literal = quoted.group(1)
        if literal is not None:
            try:
                json.loads(literal.replace("\\`", "`"))
            except ValueError:
                hint = "Write text in single quotes; between backticks stands JSON, such as `5` or `true`."
                raise ExpressionError("This is not JSON.", hint, quoted.group()) from None


def stops_early(text: str) -> ExpressionError:
    """The error for an expression that ends where more is needed."""
    return ExpressionError("The expression stops too early.", _hint(text, "", ""), text)


def unexpected(text: str, position: int) -> ExpressionError:
    """The error for an expression in which something cannot stand where it does."""
    word = text[position:].split(maxsplit=1)[0] if text[position:].strip() else text
    hint = _hint(text, text[:position].rstrip(), word)
    return ExpressionError(f"Not an expression: {word!r} is unexpected here.", hint, word)


def _hint(text: str, before: str, word: str) -> str:
    if re.match(r"-[A-Za-z_]", word) and re.search(r"\w\Z", before):
        return 'Put a name that holds a hyphen in double quotes: inputs."max-tokens".'
    if re.match(r"-?[0-9]", word):
        return "Write a number between backticks, such as `5`."
    if words := [other for other in (word, *before.split()[-1:]) if other in _WORDS_OF_OTHERS]:
        return _WORDS_OF_OTHERS[words[0]]
    if '"' in text:
        return "Write text in single quotes; double quotes name a field."
    if "*" in text or "[?" in text:
        return "A filter is written [?field == 'text'], each item [*].field or [].field."
    return "Write a path such as `inputs.query`, or see docs/expressions.md."


_NO_ARITHMETIC = "There is no arithmetic: an expression only takes values out and puts them together."
_WORDS_OF_OTHERS = {
    "and": "Write && for and.",
    "or": "Write || for or.",
    "not": "Write ! for not.",
    "in": "Write contains(list, value).",
    "is": "Write == for is.",
    "=": "Write == to compare.",
    "===": "Write == to compare.",
    "+": f"{_NO_ARITHMETIC} Text is joined in YAML: `${{{{ a }}}} ${{{{ b }}}}`.",
    "-": _NO_ARITHMETIC,
    "*": _NO_ARITHMETIC,
    "/": _NO_ARITHMETIC,
    "?": "There is no `a ? b : c`; write condition && b || c.",
    "if": "There is no `if`; write condition && value || other.",
}
