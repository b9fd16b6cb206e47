"""`python -m bench.scenario` prints the JSON Schema of a scenario; `--write` renews the file in the package."""

from __future__ import annotations

import argparse

from bench.scenario.schema import SCHEMA_FILE, schema_text


def main() -> None:
    """Print or write the schema."""
    parser = argparse.ArgumentParser(prog="python -m bench.scenario", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"renew {SCHEMA_FILE.name} in the package")
    if parser.parse_args().write:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    else:
        print(schema_text(), end="")


main()
