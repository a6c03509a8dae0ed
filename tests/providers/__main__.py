"""A stand-in by itself: `python -m tests.providers NAME PORT [uvicorn's TLS and time options]`."""

import argparse

import uvicorn

from tests.providers.everyone import Everyone
from tests.providers.openai import OpenAI
from tests.providers.otlp import Collector
from tests.providers.paced import Paced

STAND_INS: dict[str, type[OpenAI | Paced | Everyone | Collector]] = {
    "openai": OpenAI,
    "paced": Paced,
    "everyone": Everyone,
    "otlp": Collector,
}

parser = argparse.ArgumentParser()
parser.add_argument("name", choices=STAND_INS)
parser.add_argument("port", type=int)
parser.add_argument("--certificate")
parser.add_argument("--keep-alive", type=int, default=60)
options = parser.parse_args()
uvicorn.run(
    STAND_INS[options.name]().app,
    host="0.0.0.0",
    port=options.port,
    log_level="warning",
    ssl_certfile=options.certificate,
    timeout_keep_alive=options.keep_alive,
)
