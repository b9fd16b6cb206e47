"""A small archive of Debian packages made by the test: signed like a real one, and served from a folder."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.kernels import keyrings, mirrors

if TYPE_CHECKING:
    import pytest

LACKING = [name for name in ("apt-get", "dpkg-deb", "gpg", "gpgconf") if shutil.which(name) is None]


def kernel_bytes(release: str, *, filling: bytes = b"") -> bytes:
    """As much of an x86 bzImage as says which release it is."""
    header = bytearray(0x400)
    header[0x1F1] = 1
    header[0x1FE:0x200] = b"\x55\xaa"
    header[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", header, 0x20E, 0x400 - 0x200)
    return bytes(header) + f"{release} (someone@somewhere) #1 SMP".encode() + b"\0" + filling


class Key:
    """A signing key, in a keyring of its own."""

    def __init__(self, name: str) -> None:
        self._home = tempfile.mkdtemp(prefix="gpg-")  # short: gpg's agent listens on a socket in it
        self._gpg("--quick-gen-key", name, "ed25519", "sign", "never")

    def export(self, path: Path) -> None:
        path.write_bytes(self._gpg("--export"))

    def sign(self, text: Path, signed: Path) -> None:
        signed.write_bytes(self._gpg("--clearsign", "--output", "-", str(text)))

    def close(self) -> None:
        shutil.rmtree(self._home)

    def _gpg(self, *arguments: str) -> bytes:
        command = ["gpg", "--batch", "--quiet", "--homedir", self._home, "--pinentry-mode", "loopback",
                   "--passphrase", "", *arguments]  # fmt: skip
        try:
            return subprocess.run(command, check=True, capture_output=True).stdout
        finally:
            # The agent that gpg starts would outlive tests that are killed.
            subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "all"], check=True)


@dataclass
class Archive:
    """Suites of packages below a folder; a suite is published, and signed, as often as something is added."""

    folder: Path
    key: Key
    suites: dict[str, list[str]] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"copy:{self.folder}"

    def add(self, suite: str, name: str, version: str, files: Mapping[str, bytes]) -> Path:
        """Build a package, put it into a suite and publish that."""
        deb = self._build(name, version, files)
        self.suites.setdefault(suite, []).append(_stanza(deb, self.folder, name, version))
        self.publish(suite)
        return deb

    def publish(self, suite: str, *, key: Key | None = None) -> None:
        """Write a suite's index, signed by the archive's key or by another."""
        self._index(suite)
        (key or self.key).sign(self._of(suite) / "Release", self._of(suite) / "InRelease")

    def publish_unsigned(self, suite: str) -> None:
        self._index(suite)
        (self._of(suite) / "InRelease").unlink(missing_ok=True)

    def _of(self, suite: str) -> Path:
        return self.folder / "dists" / suite

    def _index(self, suite: str) -> None:
        folder = self._of(suite)
        index = folder / "main/binary-amd64/Packages"
        index.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(self.suites[suite]).encode()
        index.write_bytes(text)
        (packed := index.with_suffix(".gz")).write_bytes(gzip.compress(text, mtime=0))
        hashes = "".join(
            f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} {path.relative_to(folder)}\n"
            for path in (index, packed)
        )
        (folder / "Release").write_text(
            f"Origin: Test\nSuite: {suite}\nCodename: {suite}\nArchitectures: amd64\nComponents: main\n"
            "Date: Thu, 01 Jan 2026 00:00:00 UTC\nValid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n"
            f"SHA256:\n{hashes}"
        )

    def _build(self, name: str, version: str, files: Mapping[str, bytes]) -> Path:
        deb = self.folder / "pool" / f"{name}_{version}_amd64.deb"
        deb.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as made:
            tree = Path(made)
            tree.chmod(0o755)  # it becomes the mode of the root
            for path, content in files.items():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_bytes(content)
            (tree / "DEBIAN").mkdir()
            (tree / "DEBIAN/control").write_text(
                f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: A Test <a@test>\n"
                "Description: made by a test\n"
            )
            subprocess.run(["dpkg-deb", "--root-owner-group", "--build", made, str(deb)], check=True,
                           capture_output=True)  # fmt: skip
        return deb


def trust(archive: Archive, keys: Path, patch: pytest.MonkeyPatch) -> None:
    """Let this machine trust an archive as Debian's, and know no other; its key goes into a new folder."""
    keys.mkdir()
    archive.key.export(keys / "debian-archive-keyring.gpg")
    patch.setattr(keyrings, "INSTALLED", keys)
    patch.setattr(mirrors, "of_machine", lambda vendor: [archive.uri] if vendor == "debian" else [])
    patch.setattr(mirrors, "of_mmdebstrap", lambda _vendor: [])
    patch.setattr(mirrors, "of_debootstrap", lambda _vendor: [])


def _stanza(deb: Path, folder: Path, name: str, version: str) -> str:
    content = deb.read_bytes()
    return (
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: A Test <a@test>\n"
        f"Filename: {deb.relative_to(folder)}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
        "Description: made by a test\n"
    )
