"""Puts the compiled form of the manifests into a wheel; see connector/compiled.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledManifests(BuildHookInterface[Any]):
    """Reads the manifests as the runtime would. A checkout that is installed as it is makes its own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files, and name them to the builder."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from connector.compiled import content_of, fingerprint  # noqa: PLC0415 - the package is found only now
        from connector.loading import read  # noqa: PLC0415
        from connector.shipped_files import shipped_names  # noqa: PLC0415

        self._folder = tempfile.TemporaryDirectory()
        for name in shipped_names():
            made_from = fingerprint(name)
            assert made_from is not None
            file = Path(self._folder.name, f"{name}.compiled")
            file.write_bytes(content_of(read(name).connector, made_from))
            build_data["force_include"][str(file)] = f"connector/shipped/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """They are in the wheel now."""
        if version != "editable":
            self._folder.cleanup()
