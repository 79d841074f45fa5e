"""docs/rules.md says what the rule table says."""

import pytest
from rcm_billing.cli import rules_page
from rcm_billing.domain.claim_view import VIEW
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import Rule


def test_page_is_current() -> None:
    assert rules_page.PAGE.read_text(encoding="utf-8") == rules_page.page(), (
        "run python -m rcm_billing.cli.rules_page"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
def test_every_rule_has_one_full_row(rule: Rule) -> None:
    rows = [line for line in rules_page.page().splitlines() if line.startswith(f"| {rule.rule_id} |")]
    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert len(cells) == 10
    assert all(cells[:9])


def test_every_field_of_payer_rules_is_explained() -> None:
    text = rules_page.page()
    assert [name for name in VIEW if f"| `{name}` |" not in text] == []
