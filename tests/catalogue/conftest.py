"""A small tree of strategies: everything that a build looks at, in a few lines that compile at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.catalogue import Build, build

WORKER = """
#include <stdio.h>
int main(void)
{
	puts("{\\"kind\\":\\"reaper\\",\\"name\\":\\"late\\",\\"summary\\":\\"\\",\\"reason\\":null}");
	return 0;
}
"""
PROBE = "__attribute__((noreturn)) void _start(void) { for (;;); }\n"


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    folder = tmp_path / "strategies"
    for name, text in {
        "host/main.c": WORKER,
        "host/host.h": "/* the contract */\n",
        "launch/swim.c": "void swim(void);\nvoid swim(void) {}\n",
        "launch/crawl.py": 'NAME = "crawl"\n',
        "command/probe.c": PROBE,
        "README.md": "# For writers\n",
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.fixture
def built(strategies: Path, tmp_path: Path) -> Build:
    return build.ensure(strategies, [tmp_path / "builds"])
