"""Credentials of all kinds to plant into a gateway, and the search for them in what leaves it."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from urllib.parse import quote, quote_plus

__all__ = ["env_file", "leaked", "planted", "written"]


def planted() -> dict[str, str]:
    """Credentials of all kinds, by where each stands: a variable, or a setting of the file."""
    odd = random.Random(7)
    letters = string.ascii_letters + string.digits

    def some(length: int, alphabet: str = letters) -> str:
        return "".join(odd.choices(alphabet, k=length - 2)) + "k9"

    pem = "\n".join([f"-----BEGIN {'PRIVATE'} KEY-----", some(64), some(64), "-----END KEY-----"])
    return {
        "OPENAI_API_KEY": f"sk-proj-{some(120)}", "ANTHROPIC_API_KEY": f"sk-ant-api03-{some(93)}",
        "GEMINI_API_KEY": f"AIza{some(35)}", "GROQ_API_KEY": f"gsk_{some(52)}",
        "MISTRAL_API_KEY": some(32), "XAI_API_KEY": f"xai-{some(80)}",
        "DEEPSEEK_API_KEY": some(32, "0123456789abcdef"), "OPENROUTER_API_KEY": f"sk-or-{some(64)}",
        "AZURE_API_KEY": some(84), "AZURE_AD_TOKEN": f"eyJ{some(40)}.{some(60)}.{some(43)}",
        "AWS_ACCESS_KEY_ID": f"AKIA{some(16, string.ascii_uppercase)}",
        "AWS_SECRET_ACCESS_KEY": some(20) + "/+" + some(18),
        "AWS_SESSION_TOKEN": some(300, letters + "/+") + "==", "HF_TOKEN": f"hf_{some(34)}",
        "COHERE_API_KEY": some(40), "TOGETHER_API_KEY": some(64, "0123456789abcdef"),
        "WATSONX_PASSWORD": 'p"a\\ss<wo>rd&4', "LANGFUSE_SECRET_KEY": f"sk-lf-{some(32)}",
        "VERTEX_CREDENTIALS": json.dumps({"type": "service_account", "private_key": pem}),
        "SLACK_WEBHOOK_URL": f"https://hooks.example/services/T0/B0/{some(24)}",
        "DATABRICKS_TOKEN": f"dapi{some(32, '0123456789abcdef')}", "SHORT_API_KEY": "k7#pQ2z!",
        "ODD_TOKEN": "pässwörd-42-ключ", "SPACED_SECRET": "correct horse 9 battery staple",
        "REFERENCED": some(24),  # a name that says nothing
        "file api_key": f"sk-literal-{some(24)}", "file organization": f"org-{some(24)}",
        "file header": some(30), "file basic": f"vui:{some(18)}", "file body": some(26),
        "file url": f"{some(14)}%40{some(6)}", "VUI_LITELLM_KEY": f"sk-{some(43)}",
    }  # fmt: skip


def env_file(secrets: dict[str, str]) -> str:
    """A `.env` with those that are variables."""
    lines = []
    for name, value in secrets.items():
        if not name.startswith("file "):
            assert "'" not in value
            escaped = value.replace("\\", "\\\\")
            lines.append(f"{name}='{escaped}'")
    return "\n".join(lines) + "\n"


def written(value: str) -> list[str]:
    """The ways in which a provider may send a credential back."""
    raw = value.encode()
    return [
        value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode(), base64.b64encode(b"user:" + raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="), quote(value, safe=""),
        quote_plus(value), raw.hex(), raw.hex().upper(), html.escape(value), value.upper(),
    ]  # fmt: skip


def leaked(secrets: dict[str, str], text: str) -> dict[str, str]:
    """Which of them the text holds, and in which spelling."""
    lower = text.lower()
    found = {}
    for name, value in secrets.items():
        parts = [value.rpartition(":")[2] if name == "file basic" else value]
        if name == "VERTEX_CREDENTIALS":
            parts = json.loads(value)["private_key"].split("\n")[1:3]
        for part in parts:
            for spelling in written(part):
                bare = spelling.rstrip("=")[: -(len(spelling) % 4) or None]
                for one in {spelling, bare}:
                    if one.lower() in lower:
                        found[name] = one
    return found
