"""Letters of appeal: templates with a closed list of merge fields, rendered to text. A missing field is refused.

A template may show fields, join a list, and ask whether a field is there; it can call nothing and reach nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from jinja2 import Environment, StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rcm_billing.domain.errors import BillingError

ANY = "*"
MAX_BODY = 20_000
MAX_TEXT = 100_000

#: Every merge field with what it holds. A list field is shown by `join` or `for`.
FIELDS: Mapping[str, str] = {
    "today": "day of the letter, YYYY-MM-DD",
    "payer_name": "the payer's name",
    "payer_id": "the payer's id in the master data",
    "provider_name": "the billing organisation's name",
    "provider_npi": "its NPI",
    "provider_tax_id": "its tax id",
    "provider_address": "its address on one line",
    "contact_name": "whom to call",
    "contact_phone": "the number to call",
    "patient_name": "the patient's name",
    "patient_birth_date": "the patient's date of birth",
    "member_id": "the subscriber's member id",
    "claim_control": "our control number of the claim (CLM01)",
    "payer_control": "the payer's claim number",
    "service_from": "first day of service",
    "service_through": "last day of service",
    "charge": "the claim's charge, such as 1,234.50",
    "denied": "the denied amount",
    "denied_on": "day of the denial",
    "line": "number of the denied line; absent when the whole claim is denied",
    "code": "the denied line's procedure code",
    "modifiers": "list: its modifiers",
    "diagnoses": "list: the diagnosis codes of the line, or of the claim",
    "group": "group code of the denial",
    "carc": "reason code of the denial",
    "remarks": "list: remark codes of the denial",
    "category": "our category of the denial",
    "level": "number of the level of appeal",
    "level_name": "its name in the master data",
    "deadline_on": "last day for this appeal",
    "argument": "why the denial is wrong, in the words of the person who drafts",
    "authorisation": "the authorisation number on the claim",
    "attachments": "list: what is enclosed",
}
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.For,
    nodes.Filter,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
)
_FILTERS = frozenset({"join", "upper", "lower"})
_LISTS = frozenset(name for name, text in FIELDS.items() if text.startswith("list:"))


class LetterRefused(BillingError):
    """A template or a letter may not stand; `code` names the field or the line, never a value."""

    code = "letter"


class _Missing(StrictUndefined):
    """A field without a value: false when asked for, an error when shown."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def _fail_with_undefined_error(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise LetterRefused(f"field-missing:{self._undefined_name}")

    __str__ = __iter__ = __len__ = _fail_with_undefined_error


def _environment() -> Environment:
    environment = ImmutableSandboxedEnvironment(
        undefined=_Missing,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    return environment


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """One version of a template and the appeals that it is for (`*` and level 0: any)."""

    name: str
    version: int
    subject: str
    body: str
    payer_id: str = ANY
    category: str = ANY
    level: int = 0

    @property
    def weight(self) -> tuple[bool, bool, bool, bool]:
        """Return how narrow it is; among equals the operator's own stands before what ships (version 0)."""
        return (self.category != ANY, self.payer_id != ANY, self.level != 0, self.version > 0)


def check_template(subject: str, body: str) -> None:
    """Check that a template can be used.

    Raises: LetterRefused naming the line and what is wrong there: an unknown field, or anything but fields, `if`,
    `for` over a list field, and the filters join, upper and lower.
    """
    if not body.strip() or len(body) > MAX_BODY:
        raise LetterRefused("template-length")
    if "\n" in subject or not subject.strip() or len(subject) > 200:
        raise LetterRefused("template-subject")
    for part in (subject, body):
        try:
            tree = _ENVIRONMENT.parse(part)
        except TemplateError as error:
            raise LetterRefused(f"template-syntax:line-{getattr(error, 'lineno', 0)}") from None
        _check_node(tree, frozenset())


def _check_node(node: nodes.Node, bound: frozenset[str]) -> None:
    if not isinstance(node, _ALLOWED):
        raise LetterRefused(f"template-construct:line-{node.lineno}")
    if isinstance(node, nodes.Name) and node.name not in FIELDS and node.name not in bound:
        raise LetterRefused(f"template-field:line-{node.lineno}")
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise LetterRefused(f"template-filter:line-{node.lineno}")
    if isinstance(node, nodes.For):
        plain = isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS and not node.recursive
        # one loop in another could multiply, and a list is short: one level is enough
        if not plain or not isinstance(node.target, nodes.Name) or node.test is not None or bound:
            raise LetterRefused(f"template-loop:line-{node.lineno}")
        bound = frozenset({node.target.name})
        for child in (*node.body, *node.else_):
            _check_node(child, bound)
        return
    for child in node.iter_child_nodes():
        _check_node(child, bound)


def choose(
    templates: Iterable[LetterTemplate], *, payer_id: str, category: str, level: int
) -> LetterTemplate:
    """Return the narrowest template for an appeal; what ships covers every one."""
    fitting = [
        template
        for template in templates
        if template.payer_id in (ANY, payer_id)
        and template.category in (ANY, category)
        and template.level in (0, level)
    ]
    return max(fitting, key=lambda template: (template.weight, template.name))


def render(template: LetterTemplate, fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return the letter's text: the subject, an empty line, the body.

    Raises: LetterRefused("field-missing:<name>") when the template shows a field that has no value here.
    """
    given = {name: value for name, value in fields.items() if value}
    unknown = given.keys() - FIELDS.keys()
    if unknown:
        raise LetterRefused(f"field-unknown:{min(unknown)}")
    parts = []
    for source in (template.subject, template.body):
        try:
            parts.append(_ENVIRONMENT.from_string(source).render(given).strip())
        except TemplateError:
            raise LetterRefused("template-render") from None
    text = "\n\n".join(parts) + "\n"
    if len(text) > MAX_TEXT:
        raise LetterRefused("letter-length")
    return text


_HEAD = """{{ provider_name }}, NPI {{ provider_npi }}, tax id {{ provider_tax_id }}
{{ provider_address }}
{{ today }}

To: {{ payer_name }}, appeals

Patient: {{ patient_name }}, born {{ patient_birth_date }}
Member id: {{ member_id }}
{% if payer_control %}
Your claim number: {{ payer_control }}
{% endif %}
Our claim number: {{ claim_control }}
Date of service: {{ service_from }}{% if service_through %} to {{ service_through }}{% endif %}


Denied on {{ denied_on }}: {{ denied }} USD with {{ group }} {{ carc }}
{%- if remarks %}, remarks {{ remarks|join(', ') }}{% endif %}
{%- if code %}, line {{ line }}, code {{ code }}{% if modifiers %}-{{ modifiers|join('-') }}{% endif %}{% endif %}.

"""
_TAIL = """
{% if argument %}
{{ argument }}

{% endif %}
{% if attachments %}
Enclosed:
{% for item in attachments %}
- {{ item }}
{% endfor %}

{% endif %}
Please send your written decision to the address above. Questions: {{ contact_name }}, {{ contact_phone }}.
"""
_SUBJECT = (
    "Appeal ({{ level_name }}) of the denial of claim"
    " {% if payer_control %}{{ payer_control }}{% else %}{{ claim_control }}{% endif %}"
)


def _shipped(name: str, category: str, middle: str) -> LetterTemplate:
    return LetterTemplate(name, 0, _SUBJECT, f"{_HEAD}{middle}\n{_TAIL}", category=category)


#: What is used until the operator stores templates of their own.
SHIPPED: tuple[LetterTemplate, ...] = (
    _shipped(
        "general",
        ANY,
        "We ask you to review this denial. The service was given, documented and billed as the record shows.",
    ),
    _shipped(
        "medical-necessity",
        "medical-necessity",
        "We ask for a clinical review by a practitioner of the same specialty. The diagnoses"
        " {{ diagnoses|join(', ') }} and the enclosed record show why the service was needed."
        " Please name the policy that the denial rests on.",
    ),
    _shipped(
        "authorisation",
        "authorisation",
        "{% if authorisation %}The claim carries authorisation {{ authorisation }}."
        "{% else %}We ask for a retrospective authorisation; the enclosed record shows why none could be had"
        " before.{% endif %}",
    ),
    _shipped(
        "timely-filing",
        "timely-filing",
        "The claim was filed in time. The enclosed proof lists when it was sent and which acknowledgements came back,"
        " with their control numbers.",
    ),
    _shipped(
        "coding",
        "coding",
        "We have reviewed the coding against the record. Code {{ code }} with the diagnoses"
        " {{ diagnoses|join(', ') }} is what the record documents.",
    ),
    _shipped(
        "bundling",
        "bundling",
        "Code {{ code }}{% if modifiers %} with modifier {{ modifiers|join(', ') }}{% endif %} was a separate service:"
        " the enclosed record documents it apart from the other services of the day.",
    ),
)
