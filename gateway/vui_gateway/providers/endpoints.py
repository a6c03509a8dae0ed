"""Providers' addresses: which servers are one's own, and the pool of each call's connection."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = [
    "FREE", "HOSTS", "MODULE_CLIENT", "OLLAMA", "OPENAI_FORMATS", "OUT_OF_REACH",
    "TOOLS_IN_PROMPT", "Server",
    "is_loopback", "is_own_host", "is_paid", "leaves_thoughts", "server_of", "vendor",
]  # fmt: skip

# Where LiteLLM asks when neither the configuration nor `get_llm_provider` says it.
# https://docs.litellm.ai/docs/providers
HOSTS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "openrouter": "https://openrouter.ai",
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
}

# LiteLLM streams these through its module's own client, and most others through one for each
# provider. The pools of Azure (OpenAI's SDK) and Bedrock are out of reach.
MODULE_CLIENT = frozenset({"anthropic", "gemini", "vertex_ai"})
OUT_OF_REACH = frozenset({"azure", "bedrock"})

OLLAMA = frozenset({"ollama", "ollama_chat"})
OLLAMA_PORT = 11434
# Nobody bills these, whatever a price list says; and LiteLLM writes their tools into the prompt.
FREE = TOOLS_IN_PROMPT = OLLAMA
# Providers whose format any server may have:
# https://docs.litellm.ai/docs/providers/openai_compatible
OPENAI_FORMATS = frozenset({"openai", "custom_openai", "text-completion-openai", "aiohttp_openai"})
# Servers that people run themselves, wherever they run.
OWN_PROVIDERS = OLLAMA | {"lm_studio", "llamafile", "hosted_vllm"}
# Servers with an option to separate thoughts from the text: without it they don't.
LEAVING_THOUGHTS = OWN_PROVIDERS | {
    "vllm", "xinference", "docker_model_runner", "lemonade", "oobabooga", "openai_like",
    "custom_openai",
}  # fmt: skip
# Providers whose rules hold behind OpenAI's format, by the address on their page about that.
# LiteLLM has no provider for SiliconFlow.
VENDORS = {
    "api.z.ai": "zai", "open.bigmodel.cn": "bigmodel", "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot", "dashscope.aliyuncs.com": "dashscope",
    "dashscope-intl.aliyuncs.com": "dashscope", "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral", "api.groq.com": "groq", "openrouter.ai": "openrouter",
    "api.x.ai": "xai", "api.minimax.io": "minimax", "api.minimaxi.com": "minimax",
    "api.perplexity.ai": "perplexity", "api.fireworks.ai": "fireworks_ai",
    "api.cerebras.ai": "cerebras", "integrate.api.nvidia.com": "nvidia_nim",
    "ark.cn-beijing.volces.com": "volcengine", "api.together.xyz": "together_ai",
    "generativelanguage.googleapis.com": "gemini", "api.deepinfra.com": "deepinfra",
    "api.novita.ai": "novita", "api.siliconflow.cn": "siliconflow",
    "api.siliconflow.com": "siliconflow", "api.xiaomimimo.com": "xiaomi_mimo",
    "ai-gateway.vercel.sh": "vercel_ai_gateway",
}  # fmt: skip
CLOUDS = frozenset(urlsplit(url).hostname for url in HOSTS.values())
# Ollama's service, which is nobody's own server: https://docs.ollama.com/cloud
SERVICES = ("ollama.com",)
CLOUD_MODELS = (":cloud", "-cloud")
DOCKER_HOSTS = ("host.docker.internal", "gateway.docker.internal", "host.containers.internal")
# Names that no public server has: https://www.rfc-editor.org/rfc/rfc6762, rfc6761, rfc8375, and
# https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en
OWN_SUFFIXES = (".local", ".localhost", ".internal", ".home.arpa", ".lan")
# Loopback, private and link-local ones: https://www.iana.org/assignments/iana-ipv4-special-registry
# and its sister for IPv6. Not all that Python calls private, but those of a VPN (100.64.0.0/10).
OWN_NETWORKS = [
    ip_network(network)
    for network in (
        "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip


def leaves_thoughts(provider: str, base: str) -> bool:
    """Whether a provider's server may leave thoughts in the text.

    base: the address in the configuration; empty for none.
    """
    if provider in OPENAI_FORMATS - LEAVING_THOUGHTS:
        return bool(base) and urlsplit(base).hostname not in CLOUDS
    return provider in LEAVING_THOUGHTS


def vendor(provider: str, base: object) -> str:
    """LiteLLM's provider whose rules hold: by the address, where that is asked in OpenAI's format.

    base: the address in the configuration, if any.
    """
    if provider not in OPENAI_FORMATS or not isinstance(base, str):
        return provider
    try:
        return VENDORS.get(urlsplit(base).hostname or "", provider)
    except ValueError:
        return provider


class Server(NamedTuple):
    """Where a deployment is asked.

    Attributes:
        origin: scheme, host and port; empty where nobody knows it.
        local: it is one's own: a request costs nothing, and a second one makes the first slower.
        container: this process runs in a container, whose loopback is its own.
    """

    provider: str
    origin: str
    local: bool
    container: bool = False

    @property
    def is_ollama(self) -> bool:
        """It is Ollama by its port or its name, asked in OpenAI's format."""
        named = "ollama" in self.host and not self.host.endswith(SERVICES)
        return self.provider in OPENAI_FORMATS and (self.port == OLLAMA_PORT or named)

    @property
    def takes_many_calls(self) -> bool:
        """It answers many calls at once, and none of them much later: vLLM does. How many slots
        another one has isn't known.
        """
        return not self.local or self.provider == "hosted_vllm"

    @property
    def is_silent_when_full(self) -> bool:
        """It may answer nothing to a prompt that it can't hold: LM Studio does. Ollama cuts the
        prompt, and vLLM says so.
        """
        return self.local and self.provider not in (*OLLAMA, "hosted_vllm")

    @property
    def host(self) -> str:
        """Without brackets and port."""
        return urlsplit(self.origin).hostname or ""

    @property
    def port(self) -> int:
        """As written, or the scheme's."""
        parts = urlsplit(self.origin)
        return parts.port or (443 if parts.scheme == "https" else 80)


def server_of(
    provider: str,
    address: str,
    *,
    model: str = "",
    prices: tuple[object, object] = (None, None),
    paid: bool = False,
    local: bool | None = None,
    container: bool = False,
) -> Server:
    """The server of a deployment.

    prices: for a token in and out, as the configuration or LiteLLM has them. paid: the
    configuration names one above 0, such as for a proxy to a paid API. local: what it says itself.
    """
    try:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.port != 0 and parts.netloc else ""
        host = parts.hostname or ""
    except ValueError:  # an address that LiteLLM will fail at, too
        origin, host = "", ""
    if local is None:
        own = provider in OWN_PROVIDERS and not host.endswith(SERVICES)
        free = all(_number(price) == 0 for price in prices)
        local = free or ((own or is_own_host(host)) and not (paid or model.endswith(CLOUD_MODELS)))
    return Server(provider, origin, local, container)


def is_own_host(host: str) -> bool:
    """Whether a host is on this machine or in this network: by its address, or its name."""
    if (address := _address(host)) is None:
        name = host.lower().rstrip(".")
        return bool(name) and ("." not in name or name.endswith((*DOCKER_HOSTS, *OWN_SUFFIXES)))
    return any(address in network for network in OWN_NETWORKS)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, or in a container the container."""
    if (address := _address(host)) is None:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])  # an IPv6 address may name its interface
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_paid(price: object) -> bool:
    """Whether a price is more than nothing."""
    return (_number(price) or 0) > 0


def _number(price: object) -> float | None:
    try:
        return float(str(price))
    except ValueError:
        return None
