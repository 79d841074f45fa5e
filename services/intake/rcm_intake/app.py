"""Composition root: settings, the desk that takes messages in, the listeners, the service."""

from rcm_shared import clock
from rcm_shared.contracts.topics import INBOUND_TOPIC
from rcm_shared.ids import uuid7
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.service import run_service
from rcm_shared.telemetry import log
from rcm_shared.web.client import ServiceClient

from rcm_intake.api import router
from rcm_intake.consumers import CONSUMERS, apply_inbound, file_answer_work
from rcm_intake.gateways import canonical_json, fhir_r4, hl7v2_syntax
from rcm_intake.gateways.mllp import Answer, MllpServer, answer_for
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading, Refusal
from rcm_intake.handlers import GroupCommit, Submission
from rcm_intake.settings import IntakeSettings


def build(settings: IntakeSettings) -> ServiceSpec:
    """Return the intake service."""
    client = ServiceClient(settings, "intake")
    allowed = frozenset(settings.feed_facilities)

    async def setup(runtime: Runtime) -> None:
        runtime.state["desk"] = GroupCommit(runtime.background_transaction)
        runtime.state["feed_facilities"] = allowed

    async def listen(runtime: Runtime) -> None:
        if not settings.mllp_port:
            return
        desk: GroupCommit = runtime.state["desk"]

        async def receive(message: bytes) -> Answer:
            judged = read_message(message, "hl7v2")
            if allowed and isinstance(judged, Reading) and judged.facility_id not in allowed:
                judged = Refusal("facility-unknown", "MSH-4", source=judged.source, source_format="hl7v2")
            (outcome,) = await desk.submit(Submission(message, judged, "mllp"))
            return answer_for(outcome.outcome, outcome.reason, outcome.position)

        log().info("mllp listener", port=settings.mllp_port)
        server = MllpServer(receive, clock=clock.now, new_id=lambda: uuid7().hex[:20])
        await server.serve(settings.mllp_host, settings.mllp_port)

    return ServiceSpec(
        name="intake",
        migrations="rcm_intake.migrations",
        consumers=CONSUMERS,
        work=(file_answer_work(client, settings.shared.query_url),),
        routers=(router,),
        background=(listen,),
        setup=setup,
        inbound=(INBOUND_TOPIC, apply_inbound),
        body_limits={
            "/v1/encounters": canonical_json.MAX_BYTES,
            "/fhir": fhir_r4.MAX_BYTES,
            "/v1/messages": hl7v2_syntax.MAX_BYTES,
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Run the service from its command line."""
    settings = IntakeSettings()
    return run_service(build(settings), settings, argv)
