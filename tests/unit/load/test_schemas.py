#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the checks in C and the JSON Schemas to the same verdict on every fixture and every example of the reference.

usage: test_schemas.py VIA SOURCE_FOLDER [rpc]
With "rpc" also interface files, which the plugin rpc checks; without it only their schema is held to the fixtures.
Needs Debian's python3-jsonschema. Prints each disagreement; the exit status is 1 if there is one.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

VERDICTS = {"valid": (True, True), "invalid": (False, False), "rules": (False, True)}


def c_says(via, path):
    """True if `via validate` accepts the file. A crash is neither."""
    run = subprocess.run([via, "validate", str(path)], capture_output=True, text=True, timeout=60)
    if run.returncode not in (0, 1):
        sys.exit(f"{path}: via validate ended with {run.returncode}: {run.stderr}")
    return run.returncode == 0


def schema_says(validator, path):
    return validator.is_valid(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))


def judge(via, validator, path, expected, wrong):
    verdicts = (c_says(via, path), schema_says(validator, path))
    if verdicts != expected:
        words = {True: "right", False: "wrong"}
        wrong.append(f"{path}: C says {words[verdicts[0]]}, the schema {words[verdicts[1]]}; "
                     f"expected {words[expected[0]]} and {words[expected[1]]}")


def load_schema(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def judge_by_schema(validator, path, expected, wrong):
    if schema_says(validator, path) != expected:
        wrong.append(f"{path}: the schema says {'wrong' if expected else 'right'}")


def judge_fixtures(via, source, validators, asked, wrong):
    count = 0
    for kind, validator in validators.items():
        for verdict, expected in VERDICTS.items():
            files = sorted((source / "tests/fixtures/manifests" / kind / verdict).glob("*.json"))
            if not files:
                wrong.append(f"no fixtures in {kind}/{verdict}")
            for path in files:
                if kind in asked:
                    judge(via, validator, path, expected, wrong)
                else:
                    judge_by_schema(validator, path, expected[1], wrong)
            count += len(files)
    return count


def kind_of(block):
    if '"rpc": 1' in block:
        return "rpc"
    return "endpoints" if '"endpoints"' in block else "plugin"


def judge_examples(via, page, validators, asked, wrong):
    """Every block marked json in the page is a whole file."""
    blocks = re.findall(r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    if len(blocks) < 3:
        wrong.append(f"{page}: expected at least 3 examples, found {len(blocks)}")
    for number, block in enumerate(blocks, 1):
        kind = kind_of(block)
        with tempfile.NamedTemporaryFile("w", suffix=f"-example-{number}.json", encoding="utf-8") as file:
            file.write(block)
            file.flush()
            if kind in asked:
                judge(via, validators[kind], file.name, (True, True), wrong)
            else:
                judge_by_schema(validators[kind], file.name, True, wrong)
    return len(blocks)


def judge_own(via, source, validators, wrong):
    """The manifests that this repository ships."""
    count = 0
    for folder, kind in (("manifests/plugins", "plugin"), ("manifests/endpoints", "endpoints")):
        for path in sorted((source / folder).glob("*.json")):
            judge(via, validators[kind], path, (True, True), wrong)
            count += 1
    return count


def main():
    via, source = sys.argv[1], pathlib.Path(sys.argv[2])
    schemas = source / "manifests/schema"
    validators = {kind: load_schema(schemas / f"{kind}.schema.json") for kind in ("plugin", "endpoints", "rpc")}
    asked = {"plugin", "endpoints", *sys.argv[3:]}
    wrong = []
    count = judge_fixtures(via, source, validators, asked, wrong)
    count += judge_examples(via, source / "manifests/README.md", validators, asked, wrong)
    count += judge_own(via, source, validators, wrong)
    print("\n".join(wrong) or f"{count} manifests, one verdict")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
