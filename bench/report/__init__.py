"""How an analysis is shown: one module a form, found by `formats`."""

from bench.report.interface import Document, FolderFormat, Form, Format, Options
from bench.report.registry import formats
from bench.report.typography import can_show_unicode

__all__ = ["Document", "FolderFormat", "Form", "Format", "Options", "can_show_unicode", "formats"]
