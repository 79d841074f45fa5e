"""A gap that coding raises and query's templates meet by rule name only: the two lists have to agree."""

import ast
import inspect
import re

from rcm_coding.engine import gaps
from rcm_query.domain.templates import TEMPLATES

_RULE_NAME = re.compile(r"[a-z]+(?:-[a-z]+)+")


def _raised() -> set[str]:
    """Return every rule name that coding's gap finder can raise: those of its table and those in its code."""
    written = {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(gaps)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _RULE_NAME.fullmatch(node.value)
    }
    return written | {rule.rule for rule in gaps.RULES}


def test_search_for_rules_finds_the_table_and_the_sides() -> None:
    assert _raised() - {rule.rule for rule in gaps.RULES} == {"fracture-laterality", "side-missing"}


def test_every_gap_of_coding_has_a_template() -> None:
    assert _raised() - set(TEMPLATES) == set()


def test_every_template_answers_a_gap() -> None:
    assert set(TEMPLATES) - _raised() == set()


def test_template_is_kept_under_its_own_rule() -> None:
    assert all(template.rule == rule for rule, template in TEMPLATES.items())
