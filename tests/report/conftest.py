"""Lets these tests build result files with the builder that stands beside the tests of the format."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "record"))
