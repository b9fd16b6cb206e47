"""Finds the forms of report: every module of this package that has a `FORMAT`. There is no list to keep."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import MappingProxyType
from typing import TYPE_CHECKING

import bench.report
from bench.report.interface import FolderFormat, Form, Format

if TYPE_CHECKING:
    from collections.abc import Mapping


@functools.cache
def formats() -> Mapping[str, Form]:
    """Return the forms by name, in alphabetical order."""
    modules = (
        importlib.import_module(f"{bench.report.__name__}.{found.name}")
        for found in pkgutil.iter_modules(bench.report.__path__)
        if not found.name.startswith("_")
    )
    found = [form for module in modules if isinstance(form := getattr(module, "FORMAT", None), Format | FolderFormat)]
    return MappingProxyType({form.name: form for form in sorted(found, key=lambda form: form.name)})
