"""Sign-in of the embedded system: choose one of its demonstration people. In production an OpenID Connect provider
signs people in and this page does not exist."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from rcm_shared.auth import SESSION_COOKIE, TOKEN_LIFETIME_S, TokenIssuer, public
from rcm_shared.errors import NotFound
from rcm_shared.web.pages import NAVIGATION, page

router = APIRouter(dependencies=[Depends(public())])

#: subject -> (title, roles)
DEMO_PEOPLE = {
    "demo-operator": ("Operator", ("operations", "auditor")),
    "demo-coder": ("Coder", ("coder",)),
    "prv-7f5805502f79": ("Provider", ("provider",)),  # treats the demonstration's heart failure patient
    "demo-biller": ("Biller", ("biller", "registration")),
}


def _issuer(request: Request) -> TokenIssuer:
    shared = request.app.state.runtime.settings.shared
    if shared.environment == "production" or shared.auth_key is None:
        raise NotFound("page")
    return TokenIssuer(shared.auth_key, issuer=shared.auth_issuer, audience=shared.auth_audience)


@router.get("/sign-in")
async def choose_person(request: Request) -> Response:
    """Show the demonstration people."""
    _issuer(request)
    return page(request, "sign_in.html", people=[(key, title) for key, (title, _) in DEMO_PEOPLE.items()])


@router.post("/sign-in")
async def sign_in(request: Request, person: Annotated[str, Form(max_length=40)]) -> Response:
    """Set the session cookie of a demonstration person."""
    issuer = _issuer(request)
    if person not in DEMO_PEOPLE:
        raise NotFound("person")
    start = "/inbox" if request.app.state.runtime.spec.name == "query" else "/"
    answer = RedirectResponse(start, status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        issuer.token(
            person, DEMO_PEOPLE[person][1], ["DEMO-GENERAL"] if person != "demo-operator" else ["*"]
        ),
        max_age=TOKEN_LIFETIME_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out")
async def sign_out() -> Response:
    """Forget the session."""
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/")
async def start_page(request: Request) -> Response:
    """Lead to the service's first page, or to sign-in."""
    first = {owner: path for _, owner, path in NAVIGATION}.get(
        request.app.state.runtime.spec.name, "/sign-in"
    )
    return RedirectResponse(first, status_code=303)
