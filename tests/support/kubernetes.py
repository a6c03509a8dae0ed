"""`python -m tests.support.kubernetes`: deploy/kubernetes against Kubernetes' published schemas.

What kustomize would make of the folder is put together here: nothing of it runs on this machine.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from tests.support.harness import ROOT

__all__ = ["assembled", "problems"]

FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest that knows all that is used, and the newest that there are schemas of.
VERSIONS = ("1.27", kubernetes_validate.latest_version())
GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", *GENERATORS}
CLUSTER_WIDE = ("Namespace",)


def assembled(folder: Path = FOLDER) -> list[dict]:
    """All resources, with the generated ones.

    Raises:
        ValueError: the kustomization says something that isn't put together here.
    """
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(plan) - KNOWN:
        raise ValueError(f"kustomization.yaml: {sorted(unknown)} would go unchecked")
    listed, there = set(plan["resources"]), {path.name for path in folder.glob("*.yaml")}
    if left_out := there - listed - {"kustomization.yaml"}:
        raise ValueError(f"kustomization.yaml: {sorted(left_out)} are not among the resources")
    resources = [yaml.safe_load((folder / name).read_text()) for name in plan["resources"]]
    names: dict[str, str] = {}
    for section, kind in GENERATORS.items():
        for one in plan.get(section, []):
            made = _generated(folder, kind, one)
            names[one["name"]] = made["metadata"]["name"]
            resources.append(made)
    images = {image["name"]: f"{image['newName']}:{image['newTag']}" for image in plan["images"]}
    for resource in resources:
        if resource["kind"] not in CLUSTER_WIDE:
            resource["metadata"]["namespace"] = plan["namespace"]
        for mapping in _mappings(resource):
            if mapping.get("image") in images:
                mapping["image"] = images[mapping["image"]]
            if mapping.get("secretName") in names:
                mapping["secretName"] = names[mapping["secretName"]]
            for source in (mapping.get("configMap"), mapping.get("secret")):
                if source and source.get("name") in names:
                    source["name"] = names[source["name"]]
    return resources


def _generated(folder: Path, kind: str, one: dict) -> dict:
    data = {}
    for entry in one["files"]:
        key, _, source = entry.rpartition("=")
        # Those that hold secrets are not in a clone.
        path = folder / source
        text = path.read_text() if path.exists() else "made by whoever runs it"
        secret = base64.b64encode(text.encode()).decode()
        data[key or path.name] = secret if kind == "Secret" else text
    suffix = hashlib.sha256(repr(data).encode()).hexdigest()[:10]
    made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": f"{one['name']}-{suffix}"}}
    return {**made, "data": data, **({"type": "Opaque"} if kind == "Secret" else {})}


def _mappings(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from _mappings(child)


def problems(resources: list[dict]) -> list[str]:
    """What the schemas don't allow, unknown fields among it."""
    found = []
    for version in VERSIONS:
        for resource in resources:
            where = f"{resource['kind']} {resource['metadata']['name']}, Kubernetes {version}"
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                path = ".".join(map(str, error.absolute_path))
                found.append(f"{where}: {path}: {error.message}")
            except kubernetes_validate.SchemaNotFoundError as error:
                found.append(f"{where}: {error.message}")
    return found


if __name__ == "__main__":
    if found := problems(assembled()):
        sys.exit("\n".join(found))
