"""`python -m vui_litellm` is `vui-litellm serve`, unless it names another command."""

import sys

from vui_litellm.cli import main

# vui's workers are spawned processes, which import this module again.
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["serve"]))
