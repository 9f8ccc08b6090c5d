"""`python -m pydepgate`."""

import sys

from pydepgate.cli import main

if __name__ == "__main__":
    sys.exit(main())
