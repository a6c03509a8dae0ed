"""Google's Vertex AI: Gemini's and Claude's formats behind a service account's token.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
"""

from __future__ import annotations

import functools
import json
import re
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.anthropic import Anthropic
from tests.providers.base import Refused, StandIn
from tests.providers.gemini import Gemini

PROJECT, LOCATION = "voice", "us-central1"
EMAIL = f"vui@{PROJECT}.iam.gserviceaccount.com"
TOKEN = "ya29.a-token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# https://developers.google.com/identity/protocols/oauth2/service-account#httprest
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever the address
MODELS = f"/v1/projects/{PROJECT}/locations/{LOCATION}/publishers"


@functools.cache
def _private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def service_account(url: str) -> str:
    """A service account's JSON, whose tokens come from the stand-in at `url`."""
    pem = _private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return json.dumps(
        {
            "type": "service_account", "project_id": PROJECT, "private_key_id": "1",
            "private_key": pem.decode(), "client_email": EMAIL, "client_id": "1",
            "token_uri": f"{url}/token", "universe_domain": "googleapis.com",
        }
    )  # fmt: skip


class _Vertex(StandIn):
    """Its tokens, and whom it lets in."""

    publisher = ""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0  # given out
        self.app.router.routes.insert(0, Route("/token", self._token, methods=["POST"]))

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        try:
            claims = jwt.decode(
                form["assertion"][0], _private_key().public_key(), ["RS256"],
                audience=AUDIENCE, issuer=EMAIL,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )  # fmt: skip
            if form["grant_type"] != [GRANT] or SCOPE not in claims["scope"].split():
                raise KeyError("scope")
        except (jwt.InvalidTokenError, KeyError) as error:
            body = {"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}
            return JSONResponse(body, 400)
        self.tokens += 1
        return JSONResponse({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def check_caller(self, request: Request) -> str:
        """Refuse who has no token, or asks for what isn't there. Returns what is asked of a model.

        https://cloud.google.com/vertex-ai/docs/reference/rest#service-endpoint
        """
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused("Request had invalid authentication credentials.", 401)
        path = rf"{MODELS}/{self.publisher}/models/[\w.@-]+:(\w+)"
        if not (found := re.fullmatch(path, request.url.path)):
            raise Refused(f"Publisher Model `{request.url.path}` was not found.", 404)
        return found[1]

    def model(self, request: Request, body: dict) -> str:
        named = re.search(r"models/([^:/]+):", request.url.path)
        return named[1] if named else ""


class VertexGemini(_Vertex, Gemini):
    """Gemini 2.5 there: as in Google's AI Studio, but each turn needs its role."""

    publisher = "google"

    def check(self, request: Request, body: dict) -> None:
        self.check_caller(request)
        # It wants the token where AI Studio wants a key; the rest is checked as there.
        headers = [*request.scope["headers"], (b"x-goog-api-key", b"-")]
        super().check(Request({**request.scope, "headers": headers}), body)
        if any("role" not in content for content in body["contents"]):
            raise Refused("Please use a valid role: user, model.")


class VertexClaude(_Vertex, Anthropic):
    """Claude there: the model stands in the path, the version in the body."""

    publisher = "anthropic"

    def check(self, request: Request, body: dict) -> None:
        asked = self.check_caller(request)
        streams = {"rawPredict": False, "streamRawPredict": True}
        if streams.get(asked) != bool(body.get("stream")):
            raise Refused("this stand-in streams by streamRawPredict only", 404)
        if body.get("anthropic_version") != "vertex-2023-10-16":
            raise Refused("anthropic_version: Field required")
        if "model" in body:
            raise Refused("model: Extra inputs are not permitted")
        own = {name: value for name, value in body.items() if name != "anthropic_version"}
        self.check_body({**own, "model": self.model(request, body)})

    def _message(self, body: dict) -> dict:
        return super()._message({**body, "model": "claude"})
