"""No patient data in telemetry: every span attribute, log key and metric label in the source is on its list."""

import ast
import logging
import re
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rcm_shared.telemetry import LOG_KEYS, SPAN_ATTRIBUTES, span_is_clean
from rcm_testkit.services import ROOT, SERVICES, source_files

SOURCES = [
    *sorted((ROOT / "shared").rglob("*.py")),
    *(path for name in SERVICES for path in source_files(name)),
]
METHODS = {"debug", "info", "warning", "error", "critical", "exception", "msg"}
LABELS = {"consumer", "state", "kind", "outcome", "method", "route", "status"}
SUSPICIOUS = re.compile(
    r"name|mrn|member|birth|dob|ssn|address|phone|email|patient|text|body|note", re.IGNORECASE
)
NO_PHI = {"messaging.consumer.group.name", "messaging.destination.name", "service.name"}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _is_log_call(call: ast.Call) -> bool:
    """`log().<method>(...)`, or the same on a variable that holds a logger."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr in METHODS):
        return False
    owner = function.value
    if isinstance(owner, ast.Call):
        called = owner.func
        return (isinstance(called, ast.Name) and called.id == "log") or (
            isinstance(called, ast.Attribute) and called.attr in {"log", "get_logger", "bind"}
        )
    return isinstance(owner, ast.Name) and owner.id in {"log", "logger", "_log", "_logger"}


def _is_constant(value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp):  # one of two constants
        return _is_constant(value.body) and _is_constant(value.orelse)
    return isinstance(value, ast.Constant)


def log_faults(source: str) -> list[str]:
    """Return what a module's log calls carry that they may not: keys off the list, text made at run time."""
    found = []
    for call in filter(_is_log_call, _calls(ast.parse(source))):
        if not (len(call.args) == 1 and _is_constant(call.args[0])):
            found.append(f"{call.lineno}: the message is not one constant")
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg not in LOG_KEYS:
                found.append(f"{call.lineno}: key {keyword.arg}")
            if isinstance(keyword.value, ast.Call) and isinstance(keyword.value.func, ast.Name):
                holds_error = any(
                    isinstance(a, ast.Name) and a.id in {"error", "exc", "e"} for a in keyword.value.args
                )
                if keyword.value.func.id in {"str", "repr"} and holds_error:
                    found.append(f"{call.lineno}: the text of an error")
            if isinstance(keyword.value, ast.Name) and keyword.value.id in {"error", "exc", "e"}:
                found.append(f"{call.lineno}: an error itself")
    return found


def span_faults(source: str) -> list[str]:
    """Return span attributes of a module that are not on the list, or whose names are made at run time."""
    found = []
    for call in _calls(ast.parse(source)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        keys: list[ast.expr | None] = []
        if name in {"set_attribute", "add_event"}:
            keys = list(call.args[:1])
        elif name == "span" and isinstance(call.func, ast.Name) and len(call.args) > 1:
            attributes = call.args[1]
            keys = list(attributes.keys) if isinstance(attributes, ast.Dict) else [None]
        elif name in {"record_exception", "set_attributes"}:
            keys = [None]
        for key in keys:
            if not (isinstance(key, ast.Constant) and key.value in SPAN_ATTRIBUTES):
                found.append(
                    f"{call.lineno}: {ast.unparse(key) if key else 'attributes that cannot be read'}"
                )
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_log_calls_carry_only_allowed_keys(path: Path) -> None:
    if path.name != "telemetry.py":  # it hands on what library loggers say, without their arguments
        assert log_faults(path.read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_spans_carry_only_allowed_attributes(path: Path) -> None:
    if path.name != "telemetry.py":  # it opens the spans that others name
        assert span_faults(path.read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_logs_past_the_allow_list(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {node.func.id for node in _calls(tree) if isinstance(node.func, ast.Name)}
    if (
        path.name not in {"migrate.py", "generate.py"} and path.parent.name != "cli"
    ):  # for people, not services
        assert "print" not in names
    if path.name != "telemetry.py":
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            node.module.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
        }
        assert "structlog" not in imported
        for call in _calls(tree):
            if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
                assert not (call.func.value.id == "logging" and hasattr(logging.Logger, call.func.attr)), (
                    call.lineno
                )


def test_no_allowed_name_sounds_like_patient_data() -> None:
    assert {name for name in LOG_KEYS if SUSPICIOUS.search(name)} == set()
    assert {name for name in SPAN_ATTRIBUTES - NO_PHI if SUSPICIOUS.search(name)} == set()


def test_metric_labels_are_few_and_known() -> None:
    from prometheus_client import REGISTRY
    from rcm_shared import telemetry

    metrics = [value for value in vars(telemetry).values() if hasattr(value, "_labelnames")]
    assert len(metrics) > 5
    assert {label for metric in metrics for label in metric._labelnames} <= LABELS
    assert {metric._name for metric in metrics} <= {family.name for family in REGISTRY.collect()}


@pytest.mark.parametrize(
    "source",
    [
        "log().info('x', patient='p')",
        "log().info(f'{name}')",
        "log().info('x %s', name)",
        "log().error('x', **values)",
        "log().error('x', error=str(error))",
        "log().error('x', error=error)",
        "logger.warning('x', mrn=1)",
        "structlog.get_logger().info('x', mrn=1)",
    ],
)
def test_search_finds_a_planted_log_fault(source: str) -> None:
    assert log_faults(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "span('x', {'patient.name': n})",
        "span('x', attributes)",
        "opened.set_attribute('mrn', 1)",
        "opened.set_attribute(name, 1)",
        "opened.record_exception(error)",
        "opened.add_event('x')",
    ],
)
def test_search_finds_a_planted_span_fault(source: str) -> None:
    assert span_faults(source) != []


def test_exporter_refuses_a_span_with_a_foreign_attribute_or_an_exception() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    tracer.start_span("clean", attributes={"rcm.applied": 1}).end()
    tracer.start_span("foreign", attributes={"patient.name": "x"}).end()
    broken = tracer.start_span("broken")
    broken.record_exception(ValueError("x"))
    broken.end()
    assert {s.name for s in exporter.get_finished_spans() if span_is_clean(s)} == {"clean"}
    provider.shutdown()
