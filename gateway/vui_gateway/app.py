"""Builds all parts of the gateway, and its routes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from vui_gateway.api.auth import CLIENT, ExactPath, RequireKey
from vui_gateway.api.chat import Chat
from vui_gateway.api.errors import on_request_error, on_unknown_route
from vui_gateway.api.page import Page
from vui_gateway.api.schema import PrefillRequest, read_body
from vui_gateway.apply import InForce
from vui_gateway.errors import RequestError
from vui_gateway.keys.clients import Keys
from vui_gateway.litellm_proxy import catalogue
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.litellm_proxy.hooks import Hooks
from vui_gateway.litellm_proxy.preconnect import Preconnect
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.litellm_proxy.transport import Transport
from vui_gateway.litellm_proxy.warmup import WARM_UP
from vui_gateway.providers import accounts, families, tags, thinking
from vui_gateway.providers.caching import PromptCaching
from vui_gateway.providers.endpoints import vendor
from vui_gateway.redaction import RedactAnswers
from vui_gateway.state.entries import State
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.candidates import Candidates
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.fillers import Fillers
from vui_gateway.turns.hedge import Hedge
from vui_gateway.turns.prefill import Prefill
from vui_gateway.turns.taken_back import TakenBack
from vui_gateway.turns.thinkers import Thinkers
from vui_gateway.usage.recorder import Recorder

__all__ = ["Gateway", "build", "create_app"]


@dataclass(frozen=True)
class Gateway:
    """The parts of the gateway, for one process."""

    in_force: InForce
    chat: Chat
    page: Page
    prefill: Prefill


def build(key: str, state: State, redis_url: str) -> Gateway:
    """Construct all parts.

    key: the owner's. redis_url: of the Redis that several gateways share; empty for one alone.
    """
    servers = Servers()
    keys, router, cooldown = Keys(key, state), RouterInForce(redis_url, servers), Cooldown(state)
    usage, admission = Recorder(state), Admission()
    usage.budget.limits = keys.budget
    keys.on_revoked = admission.revoke
    candidates = Candidates(router.choose, router.ids, cooldown)
    caching, taken_back = PromptCaching(), TakenBack(state)

    def transform(call: dict, provider: str, model: str, attempt: Attempt | None) -> dict:
        before, deployment = call, attempt.deployment.id if attempt else ""
        maker = vendor(provider, catalogue.configured_address(call))
        efforts = catalogue.known_efforts(maker, model)
        context = servers.context if servers.is_local(deployment) else 0
        call = taken_back.limited(call, deployment)
        call = accounts.spared(call, engine.toolless.limits.get(deployment, 0))
        call = families.apply(call, maker, model, efforts, context=context)
        call, marks = caching.apply(call, provider, model, deployment)
        if not attempt:
            return call
        attempt.cache_marks = marks
        if attempt.traceparent and attempt.deployment.local:
            headers = call.get("extra_headers") or {}
            call = {**call, "extra_headers": {**headers, "traceparent": attempt.traceparent}}
        call = taken_back.apply(before, call, attempt)
        thinks = thinking.thinks(call) or tags.thinks_aloud(model)
        if thinks and call.get("stop") == attempt.body.get("stop"):
            call.pop("stop", None)  # it could match in the thinking; `Reply` applies it anyway
        return call

    def billed(attempt: Attempt) -> None:
        if attempt.counted:
            caching.billed(attempt.cache_marks, attempt.cache_counts)

    def reserve(attempt: Attempt) -> None:
        # Neither the warm-up nor a prompt that one's own server prepares costs anything.
        if attempt.counted and not attempt.body["model"].startswith(WARM_UP):
            usage.budget.reserve(attempt)

    hooks = Hooks(candidates.available, transform, billed)
    hooks.register()
    transport = Transport(hooks.attempts, reserve, servers, taken_back)

    async def choose(model_group: str) -> Deployment | None:
        return await candidates.next([model_group], [])

    async def has_one_slot(model_group: str) -> bool:
        asked = [await choose(group) for group in router.chosen_from(model_group)]
        found = [servers.of(i) for one in asked if one for i in router.drawn_with(one.id)]
        return any(server and not server.takes_many_calls for server in found)

    usage.head_starts.has_one_slot = has_one_slot
    prefill = Prefill(transport.open, choose)
    thinkers, fillers = Thinkers(state), Fillers()
    engine = Engine(
        prefill.call, candidates, cooldown, Hedge(state), thinkers, servers.trouble, router.route
    )
    preconnect = Preconnect(choose, servers)
    in_force = InForce(
        keys, router, candidates, engine, admission, cooldown, usage, preconnect, caching,
        Callbacks(), thinkers, fillers, taken_back,
    )  # fmt: skip
    chat = Chat(engine, admission, router, preconnect, usage, fillers)
    return Gateway(in_force, chat, Page(keys), prefill)


def create_app(gateway: Gateway, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The routes that are open; LiteLLM answers behind a chat request only.

    LiteLLM serves several hundred routes and most of its published vulnerabilities sit in those
    that vui never calls. A request without the key is refused before its body is read, and of a
    chat request only the fields that a call needs get through. `app.state.ready` is true once a
    turn would be answered at full speed: the health route reads it.
    """
    parts, page = gateway.in_force, gateway.page
    keys, router = parts.keys, parts.router

    async def liveliness(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(request: Request) -> Response:
        if request.app.state.ready:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "warming up"}, HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(_: Request) -> Response:
        return Response(parts.usage.exposition(), media_type="text/plain; version=0.0.4")

    async def models(request: Request) -> Response:
        # OpenAI's format: https://platform.openai.com/docs/api-reference/models/list
        entry = {"object": "model", "created": 0, "owned_by": "vui-gateway"}
        names = filter(request.scope[CLIENT].may_ask, router.model_groups)
        return JSONResponse({"object": "list", "data": [{"id": name, **entry} for name in names]})

    async def model_info(request: Request) -> Response:
        may_ask = request.scope[CLIENT].may_ask
        listed = await router.listing(parts.engine.toolless.small)
        return JSONResponse({"data": [entry for entry in listed if may_ask(entry["model_name"])]})

    async def prepare(request: Request) -> Response:
        """Open the connection before a turn: nothing is billed. A server of one's own reads the
        prompt of the request, and the response waits for that; others are sent nothing.
        """
        local = False
        asked = PrefillRequest.read(await read_body(request.receive))
        if request.scope[CLIENT].may_ask(asked.model) and router.serves(asked.model):
            parts.preconnect.open(asked.model)
            body = asked.model_dump(exclude_none=True)
            body["messages"] = parts.fillers.taken_out(body.get("messages") or [])
            local = await gateway.prefill.run(asked.model, body)
        return JSONResponse({"local": True} if local else {}, HTTPStatus.ACCEPTED)

    with_key = [Middleware(RequireKey, keys=keys)]
    owners = [Middleware(RequireKey, keys=keys, owner=True)]
    routes: list[BaseRoute] = [
        Route("/health/liveliness", liveliness),
        Route("/health/readiness", readiness),
        Route("/", page.html),
        # For the owner's key, or a token that was signed with it.
        Route("/page/session", page.session, methods=["POST"]),
        Route("/status", page.status),
        Route("/metrics", metrics, middleware=owners),
        Route("/v1/preconnect", prepare, methods=["POST"], middleware=with_key),
        Route("/v1/head-start", gateway.chat.claim, methods=["POST"], middleware=with_key),
        Route("/v1/chat/completions", gateway.chat, methods=["POST"], middleware=with_key),
        Route("/v1/models", models, methods=["GET"], middleware=with_key),
        Route("/model/info", model_info, methods=["GET"], middleware=with_key),
    ]
    for route in routes:
        assert isinstance(route, Route)
        assert route.methods is not None
        route.methods.discard("HEAD")  # Starlette adds it to GET
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RedactAnswers), Middleware(ExactPath)],
        exception_handlers={
            RequestError: on_request_error,
            HTTPStatus.NOT_FOUND: on_unknown_route,
            HTTPStatus.METHOD_NOT_ALLOWED: on_unknown_route,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.ready = False
    return app
