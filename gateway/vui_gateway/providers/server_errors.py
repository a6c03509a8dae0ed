"""Failures of servers that people run themselves, by their own words, and what to do about each."""

from __future__ import annotations

import re

from vui_gateway.providers.endpoints import OLLAMA, Server, is_loopback

__all__ = [
    "context_cure", "context_size", "is_context_error", "is_loading", "is_unloaded",
    "is_unreachable", "lacks_route", "no_route", "refuses_tools", "template_cure", "tools_cure",
    "unreachable", "use_ollama_chat",
]  # fmt: skip

# Sources, in order: vLLM, llama.cpp (`tools param requires --jinja flag`), Ollama and LM Studio
# (`does not support tools`), Groq and Gemini (`tool calling is not supported`), OpenRouter, and
# servers that know no such field.
_TOOLS = (
    r"(?:tools?(?:[ _-]?(?:use|usage|calls?|calling|choice|param(?:eter)?))?"
    r"|functions?(?:[ _-]?(?:calls?|calling))?|toolConfig)"
)
_NOT = r"(?:not|n['\u2019]t|cannot|without)"
REFUSES_TOOLS = re.compile(
    rf"--enable-auto-tool-choice|--tool-call-parser|--jinja"
    rf"|{_NOT} (?:yet )?(?:support|accept|allow|handle|have|take)\w*:? (?!parallel)"
    rf"(?:(?!with\b)[\w-]+:? ){{0,3}}"
    rf"[`'\"\[]*{_TOOLS}\b(?!\[)"
    rf"|(?<!parallel )\b{_TOOLS}[`'\"]* (?:(?:is|are|was|were|has|have|does) )?(?:been )?{_NOT}\b"
    rf"[^.]{{0,20}}(?:support|enabl|avail|allow|implement|accept|permitt)"
    rf"|(?<!parallel )\b{_TOOLS}[`'\"]*(?: with function calling)? (?:(?:is|are) )?(?:currently )?"
    rf"(?:unsupported|disabled)|cannot use {_TOOLS}\b"
    rf"|no endpoints found that support (?:the provided ['\"])?{_TOOLS}"
    rf"|unsupported (?:\w+:? ){{0,2}}[`'\"]*{_TOOLS}\b"
    rf"|\b{_TOOLS}: extra inputs|\bno {_TOOLS} support|不支持\s?(?:工具|函数|{_TOOLS})"
    rf"|(?:unrecognized|unknown|unexpected|extra)\b[^.]{{0,40}}[`'\": ]{_TOOLS}\b[`'\"]?(?![.\[])",
    re.IGNORECASE,
)

# llama.cpp: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md; text
# generation inference, Hugging Face and KoboldCpp have words of their own for it.
LOADING = re.compile(
    r"\bload(?:ing|s) (?:the |a )?(?:llm |language )?(?:model|weights)"
    r"|\bmodel\b(?:[^.]|\.\S){0,80}?\b(?:is|being|still|currently|not yet|n['\u2019]t|not)\b"
    r"[^.]{0,20}\b(?:load(?:ing|ed)|ready|warm|cold[ -]start)"
    r"|\b(?:server|service|engine|backend) is (?:still )?(?:loading|starting|warming|not ready)"
    r"|\bmodel loading\b",
    re.IGNORECASE,
)

# Ollama's, LocalAI's: it won't be there however long one waits.
LOAD_FAILED = re.compile(
    r"\b(?:error|failed|failure|unable|could not|cannot)(?: to)? load", re.IGNORECASE
)
# LM Studio's (https://github.com/tinyhumansai/openhuman/issues/4181) and TabbyAPI's.
UNLOADED = re.compile(
    r"no models? (?:(?:is|are) )?(?:currently )?loaded|model (?:is )?(?:unloaded|not loaded)"
    r"|failed to load (?:the )?model",
    re.IGNORECASE,
)
# At an address without its /v1: Ollama's and LocalAI's words, vLLM's and SGLang's, llama.cpp's, LM
# Studio's (https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/618).
NO_ROUTE = re.compile(
    r"404 page not found|[\"']detail[\"']\s?:\s?[\"']not found[\"']"
    r"|unexpected endpoint or method",
    re.IGNORECASE,
)
LLAMAS_NO_ROUTE = "file not found"  # with another status it is a model's file

UNREACHABLE = re.compile(
    r"cannot connect to host|connect call failed|connection (?:error|refused)"
    r"|all connection attempts failed|name or service not known|name resolution"
    r"|nodename nor servname|no address associated|no route to host|unreachable"
    r"|timed? ?out[^.]{0,20}connect|connect\w* time",
    re.IGNORECASE,
)

# A length, and the number behind it: llama.cpp's `available context size (4096 tokens)`, vLLM's
# `maximum context length is 4096 tokens` and `maximum model length of 4096`, LM Studio's `context
# length of only 4096 tokens`, TGI's `must have less than 4096 tokens`.
_LENGTH = (
    r"(?:context[ _](?:size|length|window|limit)|model(?:['\u2019]s)? (?:context )?(?:len\w*)"
    r"|max_(?:seq|model)_len\w*|n_ctx|num_ctx|must have less than|max_new_tokens` must be <="
    r"|prompt length(?= is \d+ but)|max size(?=: \d+ tokens)|model token limit"
    r"|maximum allowed token size)"
)
CONTEXT_SIZE = re.compile(rf"{_LENGTH}(?!\w)[^\d.]{{0,40}}?(\d[\d,_]{{2,}})", re.IGNORECASE)
# LM Studio's `n_keep: 13055>= n_ctx: 4096`: https://github.com/Gitlawb/openclaude/issues/353
N_CTX = re.compile(r"n_ctx\W{1,4}(\d[\d,_]*)", re.IGNORECASE)
CONTEXT_ERROR = re.compile(
    rf"(?:exceed|overflow|too (?:long|large|many)|longer than|larger than|greater than|maximum"
    rf"|does not fit|n['\u2019]t fit|not enough|beyond|over the)[^\n]{{0,120}}?{_LENGTH}"
    rf"|{_LENGTH}[^\n]{{0,120}}?(?:exceed|overflow|not enough|too (?:long|small|short))"
    rf"|max size: \d+ tokens|prompt (?:is )?too long|range of input length"
    rf"|n_keep\b[^\n]{{0,40}}\bn_ctx\b"
    # Groq's and Cerebras', vLLM's of 2026 and Poolside's, Cohere's, watsonx', Databricks'
    rf"|reduce the length of the (?:messages|input|prompt)|maximum (?:allowed )?input length"
    rf"|tokens in the prompt cannot exceed|cannot exceed the total tokens limit"
    rf"|exceeded max tokens length"
    # Gemini's, Bedrock's, Cohere's, Z.ai's
    rf"|token count[^\n]{{0,40}}exceeds the maximum|input is too long|too many tokens: size limit"
    rf"|prompt exceeds (?:the )?max"
    rf"|must have less than \d+ tokens|max_new_tokens[^\n]{{0,40}}must be <= \d+",
    re.IGNORECASE,
)


def refuses_tools(message: str) -> bool:
    """Whether a server can't take tools, now or ever."""
    return bool(REFUSES_TOOLS.search(message))


def tools_cure(message: str) -> str:
    """The cure for a server that refuses tools."""
    if "--jinja" in message:
        return "Start llama.cpp's server with --jinja."
    if "tool-choice" in message or "tool-call-parser" in message:
        return "Start vLLM with --enable-auto-tool-choice and its model's --tool-call-parser."
    return "Until then vui's tools stay unused: take a model with tools, or add one to the group."


def is_loading(message: str) -> bool:
    """Whether a server would answer once its model is loaded."""
    return bool(LOADING.search(message)) and not LOAD_FAILED.search(message)


def is_unloaded(message: str) -> bool:
    """Whether a server waits for its user to load a model."""
    return bool(UNLOADED.search(message))


def is_unreachable(message: str) -> bool:
    """Whether nothing answered at all."""
    return bool(UNREACHABLE.search(message))


def lacks_route(status: int, message: str) -> bool:
    """Whether a server is there, and takes no chats at this path."""
    return bool(NO_ROUTE.search(message)) or (status == 404 and LLAMAS_NO_ROUTE in message.lower())


def is_context_error(message: str) -> bool:
    """Whether a prompt didn't fit."""
    return bool(CONTEXT_ERROR.search(message))


def context_size(message: str) -> int | None:
    """The tokens that a server holds, where its error says so."""
    message = message.replace("(2013)", "")  # MiniMax's code for it
    found = N_CTX.search(message) or CONTEXT_SIZE.search(message)
    return int(re.sub(r"\D", "", found[1])) if found else None


def context_cure(size: int | None, needed: int, server: Server | None) -> str:
    """Why vui's prompts don't fit, and how to raise the context.

    size: tokens that the server holds, if it says so. needed: those of vui.
    """
    holds = f"holds {size} tokens" if size else "holds too few tokens"
    provider = server.provider if server else ""
    cures = {
        "lm_studio": f"Load it with a context length of {needed}.",
        "hosted_vllm": f"Start vLLM with --max-model-len {needed}.",
        **dict.fromkeys(OLLAMA, f"Set num_ctx: {needed} in its litellm_params."),
    }
    anywhere = (
        f"Raise it there: llama.cpp -c {needed} for each slot (-c {2 * needed} -np 2), "
        f"vLLM --max-model-len {needed}, LM Studio its context length, Ollama "
        f"OLLAMA_CONTEXT_LENGTH={needed}."
    )
    return f"The model {holds} at once, and vui needs {needed}. {cures.get(provider, anywhere)}"


def template_cure(server: Server) -> str:
    """Why a model that has read its prompt says nothing, and what to do about it."""
    cures = {
        "lm_studio": "Reset its prompt template in LM Studio.",
        "hosted_vllm": "Start vLLM with the model's own --chat-template.",
        **dict.fromkeys(OLLAMA, "Run ollama pull again, or mend TEMPLATE in its Modelfile."),
    }
    anywhere = (
        "Give the server the model's own: llama.cpp --jinja, vLLM --chat-template, LM Studio its "
        "prompt template."
    )
    why = "The model ended its answer before the first word: its chat template may be wrong."
    return f"{why} {cures.get(server.provider, anywhere)}"


def use_ollama_chat(model: str, server: Server) -> str:
    """What Ollama behind OpenAI's format lacks, and the cure; model: LiteLLM's name of it."""
    name = model.partition("/")[2] or model
    return (
        f"{model} is Ollama in OpenAI's format, which can't carry the context that vui needs: "
        f"write model: ollama_chat/{name} and api_base: {server.origin}."
    )


def no_route(server: Server) -> str:
    """Why a server that is there takes no chats, and what to do about it."""
    path = "" if server.provider in OLLAMA else "/v1"
    return (
        f"The server at {server.origin} takes no chats at this path: write api_base: "
        f"{server.origin}{path}."
    )


def unreachable(server: Server) -> str:
    """Why nothing answers at a server's address, and what to do about it."""
    at = f"Nothing answers at {server.origin}."
    listens = "0.0.0.0 instead of 127.0.0.1"
    listen = f"OLLAMA_HOST=0.0.0.0 for Ollama, --host 0.0.0.0 for others: {listens}"
    if server.container and is_loopback(server.host):
        there = f"http://host.docker.internal:{server.port}"
        return (
            f"{at} In a container that is the container itself: write {there}, and let the server "
            f"listen to containers ({listen})."
        )
    if server.container and not is_loopback(server.host):
        return f"{at} Is it running, and does it listen to containers ({listen})?"
    return f"{at} Is it running?"
