"""A stand-in by itself, for the compose stack: `python -m tests.providers NAME PORT`."""

import sys

import uvicorn

from tests.providers.openai import OpenAI

STAND_INS = {"openai": OpenAI}

uvicorn.run(
    STAND_INS[sys.argv[1]]().app, host="0.0.0.0", port=int(sys.argv[2]), log_level="warning"
)
