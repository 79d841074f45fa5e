"""What every route of coding shares: its dependencies, the shape of a body, one command on a locked case."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from rcm_shared.web.app import runtime_of

from rcm_coding.domain.code_set import CodeSets
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.grouper import Group
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.mce import EditStay, load_editor
from rcm_coding.gateways.weights import Weigh

READERS = ("coder", "auditor", "service")
CODERS = ("coder", "auditor")
LEADS = ("auditor", "admin")


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes need beside the database; built in app.py."""

    code_sets: Callable[[], CodeSets]
    intake: Intake
    group: Group
    edit_stay: EditStay = field(default_factory=load_editor)
    weigh: Weigh = lambda grouping, _day: grouping
    store: CodesetStore = field(default_factory=CodesetStore)  # the process's own, for files of releases
    follow: Callable[[], None] = lambda: None  # have this process look for releases now, not at its next turn


class Body(BaseModel):
    """Frozen, nothing unknown, values never echoed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def deps_of(request: Request) -> Deps:
    """Return what app.py built."""
    deps: Deps = runtime_of(request).state["deps"]
    return deps
