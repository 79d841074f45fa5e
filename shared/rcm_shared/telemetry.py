"""Logs, metrics and traces without patient data: names of log keys and span attributes are allow-listed."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

MAX_SPAN_LINKS = 128

#: The only span attributes the product sets. All are ids, codes, counts or names of our own parts.
SPAN_ATTRIBUTES = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "messaging.batch.message_count",
        "messaging.consumer.group.name",
        "messaging.destination.name",
        "messaging.system",
        "rcm.applied",
        "rcm.duplicates",
        "rcm.encounter_id",
        "rcm.work.kind",
        "service.name",
    }
)

#: The only keys a log line may carry besides level, time and logger.
LOG_KEYS = frozenset(
    {
        "action",
        "attempts",
        "channel",
        "code",
        "consumer",
        "count",
        "delay_s",
        "duration_ms",
        "encounter_id",
        "error",
        "event",
        "event_id",
        "event_type",
        "file",
        "http_status",
        "kind",
        "lag",
        "level",
        "line",
        "method",
        "offset",
        "partition",
        "port",
        "reason",
        "release",
        "request_id",
        "route",
        "service",
        "sha256",
        "sqlstate",
        "state",
        "timestamp",
        "topic",
        "version",
        "where",
    }
)

APPLIED = Counter("rcm_events_applied_total", "Events applied", ["consumer"])
DUPLICATES = Counter("rcm_events_duplicate_total", "Events recognised as seen before", ["consumer"])
SET_ASIDE = Counter(
    "rcm_events_set_aside_total", "Events dead-lettered, parked or waiting", ["consumer", "state"]
)
UNKNOWN_TYPES = Counter(
    "rcm_events_unknown_type_total", "Events of a type this release does not know", ["consumer"]
)
REDELIVERED = Counter("rcm_batches_redelivered_total", "Batches given back to Kafka", ["consumer"])
COMMIT_FAILED = Counter("rcm_offset_commit_failed_total", "Offset commits that failed", ["consumer"])
BATCH_SECONDS = Histogram("rcm_batch_seconds", "Time of one consumer transaction", ["consumer"])
EVENT_AGE = Histogram(
    "rcm_event_age_seconds",
    "From the event's time to its application",
    ["consumer"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
RELAYED = Counter("rcm_relay_events_total", "Events acknowledged by Kafka")
RELAY_REBUILDS = Counter("rcm_relay_producer_rebuilds_total", "Producers thrown away after an error")
OUTBOX_DEPTH = Gauge("rcm_outbox_depth", "Events not yet acknowledged by Kafka")
WORK_DONE = Counter("rcm_work_total", "Work items finished", ["kind", "outcome"])
HTTP_REQUESTS = Counter("rcm_http_requests_total", "HTTP requests", ["method", "route", "status"])


def _keep_allowed_keys(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _one_line(value) for key, value in event.items() if key in LOG_KEYS}


def _one_line(value: Any) -> Any:
    """Keep control characters out of a log line: the JSON renderer escapes them, bidi marks are dropped here."""
    if isinstance(value, str):
        return "".join(
            ch for ch in value if ch not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    return value


def configure_logging(service: str, level: str) -> None:
    """Send JSON lines to stderr; library loggers keep their level and lose their messages' arguments."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.contextvars.merge_contextvars,
            _keep_allowed_keys,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = _LibraryHandler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class _LibraryHandler(logging.Handler):
    """Library log lines carry only their template and the error's class: arguments may hold patient data."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().log(
            record.levelno,
            "library message",
            where=f"{record.name}:{record.funcName}:{record.lineno}",
            error=error,
        )


def where(error: BaseException) -> str:
    """Return the innermost places of an error in our own code, "file:line < file:line"; never its text."""
    frames = [
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if "/rcm_" in frame.filename
    ]
    return " < ".join(frames[:3])


def log() -> Any:
    """Return the service's logger."""
    return structlog.get_logger()


class _AllowListExporter(SpanExporter):
    """Refuse to export a span with any attribute or event outside the allow-list."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([span for span in spans if span_is_clean(span)])

    def shutdown(self) -> None:
        self._inner.shutdown()


def span_is_clean(span: ReadableSpan) -> bool:
    """Tell whether a span carries nothing but allow-listed attributes and no exception event."""
    return set(span.attributes or ()) <= SPAN_ATTRIBUTES and not span.events


def configure_tracing(service: str, endpoint: str | None, sample: float) -> None:
    """Export spans to an OTLP/HTTP collector, or keep none when no endpoint is set."""
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create({"service.name": f"rcm-{service}"}),
        sampler=ParentBased(TraceIdRatioBased(sample)),
    )
    provider.add_span_processor(BatchSpanProcessor(_AllowListExporter(OTLPSpanExporter(endpoint=endpoint))))
    trace.set_tracer_provider(provider)


_PROPAGATOR = TraceContextTextMapPropagator()


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the current span, if there is a valid one."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags):02x}"


def link_to(traceparent: str) -> trace.Link | None:
    """Make a span link to a stored traceparent, or None when it is not valid."""
    context = trace.get_current_span(_PROPAGATOR.extract({"traceparent": traceparent})).get_span_context()
    return trace.Link(context) if context.is_valid else None


@contextmanager
def span(
    name: str,
    attributes: dict[str, str | int],
    *,
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    traceparents: Sequence[str] = (),
    parent: str | None = None,
) -> Iterator[trace.Span]:
    """Open a span with allow-listed attributes; errors set its status but record no message."""
    tracer = trace.get_tracer("rcm")
    links = [link for tp in traceparents[:MAX_SPAN_LINKS] if (link := link_to(tp))]
    context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            opened.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise
