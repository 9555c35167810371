"""Holds manifests to Kubernetes' own schemas, unknown fields refused, in each of some versions.

Reads {"versions": ["1.29", ...], "manifests": [...]}; "newest" stands for the newest version known here. Answers
{"held": [[version, kind], ...], "wrong": ["version kind: what", ...]}.
"""

import json
import sys

import kubernetes_validate

request = json.load(sys.stdin)
held, wrong = [], []
for version in request["versions"]:
    version = kubernetes_validate.latest_version() if version == "newest" else version
    for it in request["manifests"]:
        try:
            kubernetes_validate.validate(it, version, strict=True)
            held.append([version, it["kind"]])
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{version} {it.get('kind')}: {error.message}")
json.dump({"held": held, "wrong": wrong}, sys.stdout)
