import sys

from vui_gateway.cli import main

sys.exit(main())
