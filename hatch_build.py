"""The build hook: a wheel carries the compiled worker and everything that is found by path.

The tag is py3-none-<platform>: the worker is a program of its own and knows nothing of Python's ABI. An editable
install gets nothing extra, it builds on demand.
"""

from __future__ import annotations

import importlib.util
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeWorker(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the native worker into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatchling's hook, called before the archive is written."""
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        spec = importlib.util.spec_from_file_location("native_build", root / "bench" / "catalogue" / "build.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError("bench/catalogue/build.py")
        module = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up by name.
        import sys

        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        self.scratch = tempfile.TemporaryDirectory()
        build = module.compile_into(Path(self.scratch.name) / "native", root / "strategies")
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["force_include"].update(
            {
                str(build.folder): "bench/shipped/native",
                str(root / "strategies"): "bench/shipped/strategies",
                str(root / "scenarios"): "bench/shipped/scenarios",
            }
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the hook's
        """Hatchling's hook, called after the archive was written."""
        scratch = getattr(self, "scratch", None)
        if scratch:
            scratch.cleanup()
