#!/usr/bin/env python3
"""Prints the figures of a JSON report, and fails where one is not what it must be.

    figures.py TITLE FILE [--require NAME]... [--positive NAME]... [--expect NAME=VALUE]...

`--require` wants the figure to be there, `--positive` to be above 0, `--expect` to have this value. Performance is required, never expected:
it is the machine's as much as ours.
"""

import argparse
import json
import sys


def scalars(value, name=""):
    """Every number, string and truth value of a report, nested ones with a dotted name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from scalars(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from scalars(inner, f"{name}[{index}]")
    else:
        yield name, value


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("title")
    arguments.add_argument("file")
    arguments.add_argument("--require", action="append", default=[])
    arguments.add_argument("--positive", action="append", default=[])
    arguments.add_argument("--expect", action="append", default=[])
    given = arguments.parse_args()

    with open(given.file, encoding="utf-8") as report:
        figures = dict(scalars(json.load(report)))

    print(f"{given.title}:")
    for name, value in figures.items():
        print(f"  {name:<32} {round(value, 2) if isinstance(value, float) else value}")

    faults = [f"{name} is not reported" for name in given.require if name not in figures]
    for name in given.positive:
        value = figures.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            faults.append(f"{name} is {'not reported' if value is None else value}, and must be above 0")
    for expectation in given.expect:
        name, wanted = expectation.split("=", 1)
        if name not in figures:
            faults.append(f"{name} is not reported, and must be {wanted}")
        elif figures[name] != json.loads(wanted):
            faults.append(f"{name} is {figures[name]}, and must be {wanted}")
    for fault in faults:
        print(f"{given.title}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
