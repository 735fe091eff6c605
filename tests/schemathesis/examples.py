"""Holds every example in an OpenAPI document to the schema beside it."""

import sys

import jsonschema_rs
import yaml


def bodies(value, way=""):
    """Everything that has a schema and examples, with the way that leads to it."""
    if isinstance(value, dict):
        if "schema" in value and ("example" in value or "examples" in value):
            yield way, value
        for name, member in value.items():
            yield from bodies(member, f"{way}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from bodies(item, f"{way}/{index}")


def examples(body):
    if "example" in body:
        yield "example", body["example"]
    for name, example in body.get("examples", {}).items():
        yield name, example["value"]


def main(path):
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    checked = 0
    for way, body in bodies(document):
        # The references in the schema lead into the document.
        schema = {**body["schema"], "components": document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for name, example in examples(body):
            for error in validator.iter_errors(example):
                sys.exit(f"{way}/{name}: {error}")
            checked += 1
    # A walk that finds nothing proves nothing.
    if checked < 30:
        sys.exit(f"only {checked} examples found")
    print(f"ok: {checked} examples")


main(sys.argv[1])
