"""Reads conditions of badges and says what is wrong with them.

The library brings a command line of its own, 13 MB a process. So it is loaded
when an expression is first compiled, which the workers hardly ever need to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from service_kit.logging import get_logger
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.conditions import (
    SESSION,
    SESSION_FACTS,
    SUMS,
    TOTAL,
    Condition,
    ConditionError,
    Term,
    Variables,
    comparisons,
    read_terms,
    unquoted,
    variables_in,
)

LONGEST = 1_000

log = get_logger(__name__)

# Loops multiply, however short a condition is, and a pattern is compiled anew for every session asked.
_COSTLY = re.compile(r"\b(all|exists|exists_one|existsOne|filter|map|matches)\s*\(")
_TEXT_FACTS = frozenset({"product", "outcome", "mode", "content"})


def compile_condition(text: str) -> Condition:
    """Returns the condition that a text says.

    Raises ConditionError, with a message for an editor, when it is no CEL,
    speaks of unknown variables, may take long or is no yes-or-no question.
    """
    if not text.strip() or len(text) > LONGEST or "\0" in text:
        raise ConditionError(f"needs 1 to {LONGEST} characters")
    try:
        program = _compile(text)
    except ValueError as error:
        raise ConditionError(f"is no CEL expression: {_first_line(error)}") from error
    costly = _COSTLY.search(unquoted(text))
    if costly is not None:
        raise ConditionError(f"uses {costly[1]}(), which may take too long for every session of everybody")
    _check_variables(text, program)
    condition = Condition(text, read_terms(text), _asker(lambda: program))
    for term in comparisons(condition.terms):
        _check_constant(term)
    for variables in _probes(condition):
        _try(program, variables)
    return condition


def published_condition(text: str) -> Condition:
    """Returns the condition of a text that `compile_condition` once returned one for.

    It is not judged again: what was published stays what it was, whatever is
    refused today. What the library no longer reads is logged, and not met.
    """

    @cache
    def program() -> Any | None:
        try:
            return _compile(text)
        except ValueError:
            log.error("condition_not_read", condition=text)
            return None

    return Condition(text, read_terms(text), _asker(program))


def _compile(text: str) -> Any:
    """Returns the program. Raises ValueError for a text that is no CEL."""
    import cel  # noqa: PLC0415 - see above

    return cel.compile(text)


def _check_variables(text: str, program: Any) -> None:
    scopes = {scope for scope, _ in variables_in(text)}
    for name in program.variables():
        if name not in scopes:
            raise ConditionError(
                f"'{name}' is no variable: write it with its scope, such as {TOTAL}.sessions"
            )
    for scope, name in sorted(variables_in(text)):
        if scope == ALL_PRODUCTS:
            raise ConditionError(f"'{scope}.{name}' is no variable: all products together are {TOTAL}.{name}")
        known = SESSION_FACTS if scope == SESSION else SUMS
        if name not in known:
            raise ConditionError(f"'{scope}.{name}' is no variable; {scope} has {', '.join(known)}")
    if not scopes:
        raise ConditionError("speaks of no variable")


def _check_constant(term: Term) -> None:
    """Refuses a text compared with a number, which the probes may not come to: columns have one type."""
    if _is_text(term.scope, term.name) != isinstance(term.constant, str):
        kind = "a text in double quotes" if _is_text(term.scope, term.name) else "a whole number"
        raise ConditionError(f"compares '{term.scope}.{term.name}' with something other than {kind}")


def _probes(condition: Condition) -> Iterator[Variables]:
    """Yields values to try a program with."""
    for number in (0, 1, 1_000_000):
        variables: dict[str, dict[str, Any]] = {}
        for scope, name in condition.variables:
            probe = "x" * min(number, 3) if _is_text(scope, name) else number
            variables.setdefault(scope, {})[name] = probe
        yield variables


def _is_text(scope: str, name: str) -> bool:
    return scope == SESSION and name in _TEXT_FACTS


def _try(program: Any, variables: Variables) -> None:
    try:
        answer = program.execute(variables)
    except Exception as error:
        raise ConditionError(f"cannot be answered: {_first_line(error)}") from error
    if not isinstance(answer, bool):
        raise ConditionError("is no yes-or-no question")


def _asker(program: Callable[[], Any | None]) -> Callable[[Variables], bool]:
    def holds(variables: Variables) -> bool:
        compiled = program()
        if compiled is None:
            return False
        try:
            return compiled.execute(variables) is True
        except Exception:
            # A division by zero, say, for which the library has no one class:
            # what cannot be answered is not met, for everybody alike.
            return False

    return holds


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
