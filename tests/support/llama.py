"""A real llama.cpp server with a tiny model: installed below `.tools/llama`, ended with a test.

The server comes from Debian's testing suite (13 MB), the model is a Llama of random weights. What
it says is noise; a grammar of GBNF makes it say fixed sentences.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from tests.support.harness import ROOT, Program, ended, free_port, http, is_ready

__all__ = ["LlamaServer", "NotInstalled", "llama_server", "model", "says"]

FOLDER = ROOT / ".tools" / "llama"
MIRROR = "http://deb.debian.org/debian/"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# With a C library of its own: the server needs a newer one than most machines have.
PACKAGES = (
    "llama.cpp-tools libllama0 libggml0 libssl3t64 libstdc++6 libgcc-s1 libc6 libgomp1 libzstd1 "
    "zlib1g"
).split()
INSTALL_SECONDS = 120
CONTEXT = 32_768


class NotInstalled(Exception):
    """This machine can't have it; the message says why."""


class LlamaServer(Program):
    """A running server."""

    def slots(self) -> list[dict]:
        """Its slots: whether each is busy, and with what."""
        return http(f"{self.url}/slots")[1]

    @property
    def busy(self) -> int:
        """Slots that generate or read a prompt."""
        return sum(slot["is_processing"] for slot in self.slots())

    @property
    def requests(self) -> int:
        """Completions that its log knows of."""
        return self.log.count("launch_slot_")


def _run(*command: str, cwd: Path) -> None:
    try:
        subprocess.run(
            command, cwd=cwd, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise NotInstalled(f"{command[0]}: {said.strip().splitlines()[-1]}") from error


def installed() -> Path:
    """The folder with the server's files, after an installation where there is none.

    Raises:
        NotInstalled: there is no apt, no network, or another machine than x86-64.
    """
    root = FOLDER / "root"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # xdist's workers
        if not root.exists():
            _install(root)
    return root


def _install(root: Path) -> None:
    if os.uname().machine != "x86_64":
        raise NotInstalled(f"no package for {os.uname().machine}")
    for needed in (shutil.which("apt-get"), shutil.which("dpkg"), KEYRING.exists()):
        if not needed:
            raise NotInstalled("it comes from Debian: apt-get, dpkg and debian-archive-keyring")
    scratch = FOLDER / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "deb"):
        (scratch / folder).mkdir(parents=True, exist_ok=True)
    sources = scratch / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} testing main\n")
    options = [
        f"Dir::Etc::sourcelist={sources}", "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State::Lists={scratch / 'lists'}", f"Dir::Cache={scratch / 'cache'}",
        f"APT::Sandbox::User={'root' if not os.getuid() else ''}",
    ]  # fmt: skip
    apt = ["apt-get", "-qq", *(part for option in options for part in ("-o", option))]
    _run(*apt, "update", cwd=scratch)
    _run(*apt, "download", *PACKAGES, cwd=scratch / "deb")
    half = FOLDER / "half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    for package in sorted((scratch / "deb").glob("*.deb")):
        _run("dpkg", "-x", str(package), str(half), cwd=scratch)
    half.rename(root)
    shutil.rmtree(scratch)


def _mirror() -> str:
    """The one that this machine is set up with."""
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        return next((uri for uri in listed if uri.endswith("/debian/")), MIRROR)
    return MIRROR


def _command(root: Path) -> tuple[list[str], dict[str, str]]:
    """The server's command without options, and the environment it needs."""
    libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
    kind = "haswell" if re.search(r"\bavx2\b", Path("/proc/cpuinfo").read_text()) else "x64"
    backend = next(root.rglob(f"libggml-cpu-{kind}.so"))
    loader = next(root.rglob("ld-linux-x86-64.so.2"))
    server = root / "usr/bin/llama-server"
    command = [str(loader), "--library-path", ":".join(libraries), str(server)]
    return command, {"GGML_BACKEND_PATH": str(backend)}


def model(words: str, width: int = 64, layers: int = 2) -> Path:
    """A model of random weights; at a width of 64 it reads 4,000 tokens in 0.2 s.

    words: a text whose commonest words are tokens of their own.
    """
    installed()
    mark = sha256(words.encode()).hexdigest()[:8]
    path = FOLDER / f"tiny-{width}-{layers}-{mark}.gguf"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            half = path.with_suffix(".half")
            _write_model(half, words, width, layers)
            half.rename(path)
    return path


def _write_model(path: Path, words: str, width: int, layers: int) -> None:
    import gguf
    import numpy as np

    pieces, kinds = _vocabulary(words, gguf.TokenType)
    heads, hidden = max(4, width // 64), 2 * width
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    # llama.cpp merges two neighbours to the piece of the highest score: the longest.
    writer.add_token_scores([float(len(piece)) for piece in pieces])
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}"
        "{% if tools %}{{ tools | tojson }}{% endif %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    random = np.random.default_rng(1)

    def weights(name: str, *shape: int) -> None:
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
        writer.add_tensor(f"{name}.weight", values)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    weights("token_embd", len(pieces), width)
    weights("output", len(pieces), width)
    norm("output_norm")
    for layer in range(layers):
        for part in ("attn_norm", "ffn_norm"):
            norm(f"blk.{layer}.{part}")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{layer}.{part}", width, width)
        weights(f"blk.{layer}.ffn_gate", hidden, width)
        weights(f"blk.{layer}.ffn_up", hidden, width)
        weights(f"blk.{layer}.ffn_down", width, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary(words: str, kinds: type) -> tuple[list[str], list[int]]:
    """Pieces and their kinds, for llama.cpp's own SentencePiece: bytes, printable characters, and
    each common word with all beginnings, by which it is put together.
    """
    space = "\u2581"
    common = [word for word, _ in Counter(re.findall(r"[A-Za-z]+", words)).most_common(4000)]
    spelled = dict.fromkeys([space, *map(chr, range(33, 127))])
    for word in common:
        for whole in (space + word, word):
            spelled.update(dict.fromkeys(whole[: n + 1] for n in range(len(whole))))
    control = ["<unk>", "<s>", "</s>"]
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    found = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]  # type: ignore[attr-defined]
    found += [kinds.BYTE] * len(raw) + [kinds.NORMAL] * len(spelled)  # type: ignore[attr-defined]
    return [*control, *raw, *spelled], found


def says(*sentences: str, times: str = "") -> str:
    """A grammar that lets a model say one of these, `times` over: `{50}` or nothing."""
    quoted = " | ".join(f'"{s}"' for s in (s.replace('"', '\\"') for s in sentences))
    return f"root ::= ({quoted}){times}\n"


@contextmanager
def llama_server(
    folder: Path,
    gguf: Path,
    *options: str,
    grammar: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    wait: bool = True,
) -> Iterator[LlamaServer]:
    """A server that answers.

    options: of llama-server. host: where it listens. port: free unless given. wait: until the
    model is loaded.

    Raises:
        NotInstalled: this machine can't have it.
    """
    command, env = _command(installed())
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    more: Sequence[str] = ()
    if grammar:
        (folder / "grammar.gbnf").write_text(grammar)
        more = ("--grammar-file", str(folder / "grammar.gbnf"))
    own = ["--host", host, "--port", str(port), "--model", str(gguf), "--slots"]
    log_path = folder / f"llama-{port}.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [*command, *own, *options, *more],
            env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    with ended(process, log_path) as started:
        server = LlamaServer(started.process, log_path, f"http://{host}:{port}")
        if wait:
            server.await_ready(lambda: is_ready(server.url, "/health"), 60)
        yield server
