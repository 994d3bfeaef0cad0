"""Distributions as an installer leaves them in a folder of sys.path, made by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from golden import LIBRARY

GROUP = "connector.manifests"


def put(
    site: Path, *entries: str, name: str = "acme_connector", version: str = "1.2.0", kind: str = "dist-info"
) -> Path:
    """The metadata of a distribution with these entry points; gives its folder."""
    folder = site / f"{name}-{version}.{kind}"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text("\n".join((f"[{GROUP}]", *entries, "")), encoding="utf-8")
    return folder


def put_connector(folder: Path, connector_id: str = "acme") -> Path:
    """A connector in a folder: the library's, under another id."""
    shutil.copytree(LIBRARY, folder)
    file = folder / "connector.yaml"
    file.write_text(file.read_text().replace("id: library", f"id: {connector_id}", 1))
    return folder


def put_acme(site: Path) -> Path:
    """A whole distribution that brings the connector `acme`; gives the connector's folder."""
    put(site, "acme = acme_connector:manifests.acme")
    return put_connector(site / "acme_connector" / "manifests" / "acme")


def say_where(metadata: Path, project: Path, *, editable: bool = True) -> None:
    """Note in the metadata where the project is that was installed."""
    origin = {"url": project.as_uri(), "dir_info": {"editable": editable}}
    (metadata / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
