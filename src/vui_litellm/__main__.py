"""`python -m vui_litellm` is `vui-litellm serve`, unless it names another command."""

import os
import signal
import sys

from vui_litellm.no_proxy import ask_directly

__all__ = ["run"]


def run(default: tuple[str, ...] = ()) -> None:
    """`vui-litellm`; Ctrl-C ends it at any moment, without a traceback."""
    ask_directly()
    try:
        from vui_litellm.cli import main

        sys.exit(main(sys.argv[1:] or [*default]))
    except KeyboardInterrupt:
        # Nothing is waited for: a thread may be reading what will never be typed.
        os._exit(128 + signal.SIGINT)


# vui's workers are spawned processes, which import this module again.
if __name__ == "__main__":
    run(default=("serve",))
