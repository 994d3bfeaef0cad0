"""`python -m connector.cli`, where the command is not on the path."""

import sys

from connector.cli import main

sys.exit(main())
