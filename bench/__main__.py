"""`python -m bench` is `launchbench`."""

from bench.cli import main

main()
