#!/usr/bin/env python3
"""What no schema knows about deploy/: the rules that we set ourselves, and that the files name each other rightly.

    check_deploy.py --dashboard-rules FILE

writes the dashboard's queries to FILE as recording rules, for promtool to parse. Faults are listed all at once.
"""

import argparse
import json
import pathlib
import re
import sys
import tomllib

import dockerfile
from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "deploy/compose"
PORTS = {"intake": 7101, "workflow": 7102, "notification": 7103, "statistics": 7104}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")

faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


def load(path):
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except Exception as error:  # a fault like any other, with its place in the file
        fault(path.relative_to(ROOT), error)
        return {}


def check_compose():
    """Services exist that others wait for, mounts exist, ports stay on this host, secrets have no default."""
    path = COMPOSE / "compose.yaml"
    text = path.read_text(encoding="utf-8")
    stack = load(path)
    services = stack.get("services", {})
    for service, port in PORTS.items():
        if service not in services:
            fault("compose.yaml", f"the service {service} is missing")
            continue
        listen = services[service].get("environment", {}).get("MOTCUA_LISTEN", "")
        if not listen.endswith(f":{port}"):
            fault("compose.yaml", f"{service} listens on '{listen}', and its port is {port}")
    for name, service in services.items():
        for needed in service.get("depends_on", []):
            if needed not in services:
                fault("compose.yaml", f"{name} waits for {needed}, which is not there")
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                fault("compose.yaml", f"{name} publishes {port} beyond 127.0.0.1")
        for volume in service.get("volumes", []):
            source = str(volume).split(":")[0]
            if source.startswith("."):
                if not (COMPOSE / source).exists():
                    fault("compose.yaml", f"{name} mounts {source}, which does not exist")
            elif source not in stack.get("volumes", {}):
                fault("compose.yaml", f"{name} uses the volume {source}, which is not declared")
        if "build" not in service and not re.search(r":[^:]+$", service.get("image", "")):
            fault("compose.yaml", f"{name} does not say which version of its image it wants")

    example = dict(
        line.split("=", 1)
        for line in (COMPOSE / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    required = set(re.findall(r"\$\{(\w+):\?", text))
    for name in sorted(required ^ set(example)):
        fault(".env.example", f"{name} is in one of it and compose.yaml, and must be required in both")
    for name, value in example.items():
        if value:
            fault(".env.example", f"{name} has a value: whoever copies the file would keep it")
    for name in re.findall(r"\$\{(\w+)(?::?-[^}]*)?\}", text):
        if SECRET.search(name):
            fault("compose.yaml", f"{name} is not required: write ${{{name}:?…}}")


def check_collector():
    """Every component that a pipeline names is configured, and none is configured for nothing."""
    collector = load(COMPOSE / "otel/collector.yaml")
    for kind in ("receivers", "processors", "exporters"):
        configured = set(collector.get(kind, {}))
        used = {
            component
            for pipeline in collector.get("service", {}).get("pipelines", {}).values()
            for component in pipeline.get(kind, [])
        }
        for component in sorted(configured ^ used):
            fault("collector.yaml", f"{component} of {kind} is not both configured and used")
    load(COMPOSE / "tempo/tempo.yaml")


def check_grafana(rules):
    """The dashboard's panels have ids of their own and ask data sources that are provisioned."""
    sources = {
        source["uid"]
        for source in load(COMPOSE / "grafana/provisioning/datasources/motcua.yaml").get("datasources", [])
    }
    load(COMPOSE / "grafana/provisioning/dashboards/motcua.yaml")
    queries = []
    for path in sorted((COMPOSE / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        panels = dashboard["panels"]
        if len({panel["id"] for panel in panels}) != len(panels):
            fault(path.name, "two panels have the same id")
        for panel in panels:
            for target in panel["targets"]:
                if target["datasource"]["uid"] not in sources:
                    fault(path.name, f"'{panel['title']}' asks {target['datasource']['uid']}, which is not provisioned")
                queries.append(target["expr"].replace("$__rate_interval", "5m").replace("$service", ".*"))
    # JSON is YAML: no writer is needed.
    records = [{"record": f"dashboard:query:{number}", "expr": query} for number, query in enumerate(queries)]
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": records}]}), encoding="utf-8")


def check_image():
    """The Dockerfile parses, ends as another user than root, says how its health is asked, copies what exists."""
    with open(ROOT / "Cargo.toml", "rb") as manifest:
        toolchain = tomllib.load(manifest)["workspace"]["package"]["rust-version"]
    steps = dockerfile.parse_file(str(ROOT / "deploy/Dockerfile"))
    bases = [step.value[0] for step in steps if step.cmd.upper() == "FROM"]
    if not bases[0].startswith(f"rust:{toolchain}-"):
        fault("Dockerfile", f"builds with {bases[0]}, and Cargo.toml wants Rust {toolchain}")
    users = [step.value[0] for step in steps if step.cmd.upper() == "USER"]
    if not users or users[-1].split(":")[0] in ("0", "root"):
        fault("Dockerfile", "ends as root")
    if not any(step.cmd.upper() == "HEALTHCHECK" for step in steps):
        fault("Dockerfile", "has no health check")
    exposed = {int(port) for step in steps if step.cmd.upper() == "EXPOSE" for port in step.value}
    if exposed != set(PORTS.values()):
        fault("Dockerfile", f"exposes {sorted(exposed)}")
    for step in steps:
        if step.cmd.upper() == "COPY" and not any(flag.startswith("--from") for flag in step.flags):
            for source in step.value[:-1]:
                if not (ROOT / source).exists():
                    fault("Dockerfile", f"copies {source}, which does not exist")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dashboard-rules", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    check_compose()
    check_collector()
    check_grafana(given.dashboard_rules)
    check_image()
    for line in faults:
        print(line, file=sys.stderr)
    if faults:
        return 1
    print("compose, collector, Grafana and Dockerfile: no fault by our own rules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
