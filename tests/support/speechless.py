"""vui without its speech workers: `python -m tests.support.speechless` is a `vui-litellm serve`.

vui's server, page, routes, prompts, thoughts and turn-taking run as installed. Stood in for are
torch, the model file, and the two worker processes, whose queues are answered here. A control port
(`VUI_SPEECHLESS_PORT`) gives a test the user's voice and ears:

    POST /hear  {"text": "…"}           the user says this: voice activity, partial text, silence
    POST /asr   [{"type": "…"}, …]      raw messages of the recognition worker
    POST /final {"text": "…"}           what a recording (/v1/voice-note) is understood as
    POST /end   {}                      the speech worker ends, as one that crashes does
    GET  /said                          the sentences that reached speech synthesis, in order

It has an NVIDIA GPU unless `VUI_SPEECHLESS_GPU` is 0. `VUI_SPEECHLESS_OWN` of 1 starts vui's
server as it comes, with its own backend, on loopback. `VUI_SPEECHLESS_CODEC` and
`VUI_SPEECHLESS_READ` are seconds that the codec's last frames, and reading the user's turn, take.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import types
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

SAID: list[dict] = []
asr_results: queue.Queue = queue.Queue()
tts_ends = threading.Event()
final = {"text": ""}  # what the recognition worker makes of a recording


class Tensor(np.ndarray):
    """As much of a torch tensor as vui's playback uses."""

    def clamp(self, low: float, high: float) -> Tensor:
        return np.clip(self, low, high).view(Tensor)

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    def float(self) -> Tensor:
        return self.astype(np.float32).view(Tensor)

    def to(self, dtype: type) -> Tensor:
        return self.astype(dtype).view(Tensor)

    def cpu(self) -> Tensor:
        return self

    def unsqueeze(self, axis: int) -> Tensor:
        return np.expand_dims(self, axis).view(Tensor)


def _zeros(count: int) -> Tensor:
    return np.zeros(count, np.float32).view(Tensor)


def _module(name: str, **members: object) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


class _Weights:
    """`safetensors.safe_open` on a model file that isn't there."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> _Weights:
        return self

    def __exit__(self, *_: object) -> None: ...

    def metadata(self) -> dict[str, str]:
        from vui.config import Config

        return {"config": Config().model_dump_json()}


def _tts(
    commands: queue.Queue, results: queue.Queue, _weights: str, cancelled: threading.Event
) -> None:
    pace = float(os.environ.get("VUI_SPEECHLESS_PACE", "0"))  # seconds that a sentence takes
    codec, read = (float(os.environ.get(f"VUI_SPEECHLESS_{n}", "0")) for n in ("CODEC", "READ"))
    results.put({"type": "ready"})

    def end() -> None:
        tts_ends.wait()
        commands.put({"cmd": "shutdown"})

    threading.Thread(target=end, daemon=True).start()
    frames = 1
    while (message := commands.get())["cmd"] != "shutdown":
        command = message["cmd"]
        if command == "get_state":
            results.put({"type": "state", "T": frames, "max_T": 4096, "has_prompt": True})
        elif command == "load_kv":
            results.put({"type": "kv_loaded", "ok": True, "T": frames, "name": message["file"]})
        elif command in ("prefill_user_turn", "prefill_user_chunk") and message.get("final", True):
            time.sleep(read)
            results.put({"type": "user_prefilled", "T": frames})
        elif command == "stream_stop":
            time.sleep(codec)
            results.put({"type": "codes_final", "n_frames": 1})
        elif command == "cancel":
            cancelled.clear()
        elif command == "rewind":
            results.put({"type": "done", "T": frames, "total_secs": 0})
        elif command == "encode_full":
            results.put({"type": "encoded", "codes": _zeros(1)})
        elif command == "generate":
            frames += 1
            SAID.append({"text": message["text"], "at": time.time()})
            audio = {"type": "audio", "data": _zeros(480), "T": frames, "secs": 0.02}
            results.put(audio)
            results.put({"type": "chunk_done", "T": frames, "text": message["text"], "secs": 0.02,
                         "frames": 1, "gen_time": 0.001})  # fmt: skip
            stopped = cancelled.wait(pace)
            results.put(
                {"type": "cancelled" if stopped else "done", "T": frames, "total_secs": 0.02}
            )


def _asr(commands: queue.Queue, results: queue.Queue, *_: object) -> None:
    results.put({"type": "ready"})

    def forward() -> None:
        while True:
            results.put(asr_results.get())

    threading.Thread(target=forward, daemon=True).start()
    recorded = False
    while (message := commands.get())["cmd"] != "shutdown":
        if message["cmd"] == "start":
            results.put({"type": "session_ready"})
        elif message["cmd"] == "feed":
            recorded = True
        elif message["cmd"] == "stop":
            results.put({"type": "final", "text": final["text"] if recorded else ""})
            recorded = False


class _Thread(threading.Thread):
    """A worker "process" that shares our memory."""

    pid = 0

    def __init__(self, target: Callable, args: tuple, daemon: bool) -> None:
        super().__init__(target=target, args=args, daemon=True)

    def terminate(self) -> None: ...


def hear(text: str) -> None:
    """Voice activity, what was understood, and silence: vui commits a turn."""
    asr_results.put({"type": "vad_start"})
    time.sleep(0.45)  # vui takes less than 0.3 s of sound for a noise
    asr_results.put({"type": "partial", "text": text})
    asr_results.put({"type": "vad_stop"})


class _Control(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(SAID)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/hear":
            hear(asked["text"])
        elif self.path == "/final":
            final["text"] = asked["text"]
        elif self.path == "/end":
            tts_ends.set()
        else:
            for message in asked:
                asr_results.put(message)
        self._answer({"ok": True})

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


def stand_in() -> None:
    """Put the stand-ins where vui imports the real things from."""
    _module("torch", Tensor=Tensor, zeros=_zeros, int16=np.int16, load=None)
    sys.modules["torch"].cat = lambda parts: np.concatenate(parts).view(Tensor)  # type: ignore[attr-defined]
    _module("torch.multiprocessing", Queue=queue.Queue)
    _module("torch.cuda", is_available=lambda: os.environ.get("VUI_SPEECHLESS_GPU") != "0")
    _module("torch.nn")
    _module(
        "torch.nn.functional",
        interpolate=lambda audio, **_: np.repeat(audio, 2, axis=-1).view(Tensor),
        pad=lambda audio, width: np.pad(audio, width).view(Tensor),
    )
    _module("torchaudio", load=lambda _: (np.zeros((1, 16000), np.float32).view(Tensor), 16000))
    _module("torchaudio.functional", resample=lambda audio, *_: audio.view(Tensor))
    _module("safetensors", safe_open=_Weights)
    _module("onnxruntime", InferenceSession=object)
    _module("julius")
    _module("julius.resample", resample_frac=lambda audio, *_: audio)
    _module("vui.serving.stream.tts_worker", tts_process=_tts)

    import vui.hf
    from vui.serving.stream import server

    vui.hf.download = lambda name: name
    server.tts_process, server.asr_process, server.Process = _tts, _asr, _Thread


if __name__ == "__main__":
    import vui.serving.stream  # noqa: F401  the parent of a stood-in module

    port = int(os.environ.get("VUI_SPEECHLESS_PORT", "8099"))
    control = ThreadingHTTPServer(("127.0.0.1", port), _Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    stand_in()

    if os.environ.get("VUI_SPEECHLESS_OWN") == "1":
        from vui.serving.stream import server

        from vui_litellm.patches.server import guard_server

        guard_server(server, lan=False)
        sys.exit(server.main())

    from vui_litellm.cli import main

    sys.exit(main(["serve"]))
