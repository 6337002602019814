"""Checks everything in deploy/ without Docker, a cluster or a network.

Install requirements.txt beside this file, then: python deploy/check/check.py
QUELL_PROMTOOL and QUELL_AMTOOL name promtool and amtool where they are not on the path. A check
that cannot run fails; --without-systemd allows for a machine that has no systemd-analyze.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "quell"
# The oldest that the chart allows, and the newest that there are schemas for.
KUBERNETES = ("1.27", "1.37")

# What the chart must refuse, each over the defaults, and a part of what it must say then.
REFUSED = (
    ({"workers": 0}, "/workers"),
    ({"kafka": {"partition": 3}}, "'partition'"),
    ({"kafka": {"brokers": "kafka"}}, "/kafka/brokers"),
    ({"kafka": {"stages": ["parse"]}}, "/kafka/stages"),
    ({"kafka": {"properties": {"sasl.password": "plain"}}}, "'sasl.password'"),
    ({"kafka": {"properties": {"client.rack": "a,b"}}}, "reads a comma"),
    ({"image": {"tag": "latest"}}, "/image/tag"),
    ({"tls": {"secretName": ""}}, "/tls/secretName"),
    ({"settings": {"run": {"listen": "0.0.0.0:1"}}}, "'run'"),
    ({"terminationGracePeriodSeconds": 5}, "/terminationGracePeriodSeconds"),
    ({"keda": {"enabled": True, "maxWorkers": 13}}, "would be idle"),
)

# Tags that are no version, and why that is right.
FLOATING = {"gcr.io/distroless/cc-debian12:nonroot": "distroless has no version tags"}
# Kinds without a schema in kubernetes-validate: what must stand in their specs.
BY_HAND = {
    ("keda.sh/v1alpha1", "ScaledObject"): ("scaleTargetRef.name", "triggers", "maxReplicaCount"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): ("selector.matchLabels", "endpoints"),
    ("monitoring.coreos.com/v1", "PrometheusRule"): ("groups",),
}
# `kafka.brokers`, but no value of the chart: `.Values.kafka.brokers`, `kafka.topics.enabled`.
SETTING = re.compile(r"(?<![\w./$-])((?:kafka|run)\.(?!topics|credentials|md\b)[a-z_]+)\b")
VARIABLE = re.compile(r"\bQUELL__([A-Z_]+[A-Z])\b")


class Wrong(Exception):
    """What is wrong, a line each."""


def require(problems):
    if problems:
        raise Wrong("\n".join(problems))


def run(*command, cwd=ROOT, hint=""):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except OSError as error:
        raise Wrong(f"cannot run {command[0]}: {error.strerror}{hint}") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise Wrong(f"{Path(command[0]).name} ended with {done.returncode}:\n{said}")
    return done.stdout + done.stderr


def installed(name):
    """A program of a package in requirements.txt: beside this Python, activated or not."""
    return str(Path(sys.executable).parent / name)


@cache
def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def compose():
    return load("deploy/compose.yaml")["services"]


def every_value_set():
    """The defaults, and everything switched on."""
    return {}, load("deploy/check/values-all.yaml")


@cache
def chart():
    """The chart and its lint reports, as it would be packaged: the link to the alerts followed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "quell"
        shutil.copytree(CHART, copy)
        reports = [helm_python.lint(copy, values, strict=True) for values in every_value_set()]
        return helm_python.Chart.load(copy), reports


def rendered(values):
    """The chart's documents, with the names of their templates."""
    found = []
    for name, text in chart()[0].render(values, name="demo", namespace="care").items():
        if not name.endswith(".txt"):
            require(lint_yaml(name, text))
            found += [(name, document) for document in yaml.safe_load_all(text) if document]
    return found


def files(pattern):
    """What somebody installed to try things out is not ours."""
    found = sorted(DEPLOY.rglob(pattern))
    return [path for path in found if path.is_file() and "node_modules" not in path.parts]


def lint_yaml(name, text):
    # A key that stands twice is lost in silence by most readers.
    config = YamlLintConfig("rules: {key-duplicates: enable, anchors: enable}")
    return [f"{name}:{p.line}: {p.desc}" for p in linter.run(text, config)]


def part(document, path):
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def check_yaml():
    found = [path for path in files("*.y*ml") if CHART / "templates" not in path.parents]
    require([line for p in found for line in lint_yaml(p.relative_to(ROOT), p.read_text())])
    return f"{len(found)} files"


def check_compose():
    schema = ("--builtin-schema", "vendor.compose-spec")
    run(installed("check-jsonschema"), *schema, "deploy/compose.yaml")
    problems, services = [], compose()
    for name, service in services.items():
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                problems.append(f"{name}: port {port} is open to other machines")
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                problems.append(f"{name}: waits for {other}, which is not there")
            elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                problems.append(f"{name}: waits for the health of {other}, which has no check")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (DEPLOY / source).exists():
                problems.append(f"{name}: mounts {source}, which is not there")
    require(problems)
    return f"{len(services)} services"


def check_dockerfile():
    run(installed("hadolint"), "deploy/Dockerfile")
    return "hadolint has no findings"


def dockerfile_images():
    text = (DEPLOY / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, re.M))
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.M))
    for image in re.findall(r"^FROM (\S+)", text, re.M):
        image = re.sub(r"\$\{(\w+)\}", lambda named: arguments[named[1]], image)
        if image not in stages:
            yield image


def check_images():
    images = {service["image"] for service in compose().values()} | set(dockerfile_images())
    for values in every_value_set():
        for _, document in rendered(values):
            pod = part(document, "spec.template.spec") or {"containers": []}
            images |= {container["image"] for container in pod["containers"]}
    pinned = re.compile(r"@sha256:[0-9a-f]{64}$|:v?\d+\.\d+\.\d+(-[\w.-]+)?$")
    loose = {image for image in images if not pinned.search(image)}
    require([f"{image}: not a whole version or a digest" for image in loose - FLOATING.keys()])
    for image in loose:
        print(f"      {image}: {FLOATING[image]}")
    return f"{len(images)} images"


def check_versions():
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    version, rust = package["version"], package["rust-version"]
    text = (DEPLOY / "Dockerfile").read_text()
    said = {
        "appVersion in Chart.yaml": load("deploy/helm/quell/Chart.yaml")["appVersion"] == version,
        "quell's image in compose.yaml": compose()["topics"]["image"] == f"quell:{version}",
        "ARG VERSION in the Dockerfile": f"ARG VERSION={version}\n" in text,
        "--tag in the Dockerfile": f"--tag quell:{version} " in text,
    }
    problems = [f"{place} is not {version}, as in Cargo.toml" for place in said if not said[place]]
    if not re.search(rf"^FROM rust:{re.escape(rust)}\.\d+-", text, re.M):
        problems.append(f"the Dockerfile does not build with Rust {rust}, as in Cargo.toml")
    require(problems)
    return f"Quell {version}, Rust {rust}"


def check_chart():
    for report in chart()[1]:
        found = [f"{m['path']}: {m['error']}" for m in report["messages"] if m["severity"] > 1]
        require(report["errors"] + found)
    problems = []
    for values, expected in REFUSED:
        try:
            rendered(values)
            problems.append(f"the chart takes {values}")
        except helm_python.HelmError as error:
            if expected not in str(error):
                problems.append(f"{values} is refused without a word of {expected}: {error}")
    require(problems)
    return f"no findings of lint; {len(REFUSED)} wrong values are refused"


def check_manifests():
    problems, by_hand, count = [], set(), 0
    for values in every_value_set():
        documents = rendered(values)
        count += len(documents)
        for name, document in documents:
            kind = (document["apiVersion"], document["kind"])
            if kind in BY_HAND:
                by_hand.add(kind[1])
                missing = [path for path in BY_HAND[kind] if not part(document, f"spec.{path}")]
                found = [f"spec.{path} is missing" for path in missing]
            else:
                found = against_schemas(document) + unsafe(document)
            problems += [f"{name}: {kind[1]}: {problem}" for problem in found]
        problems += astray([document for _, document in documents])
    unseen = {kind for _, kind in BY_HAND} - by_hand
    require(problems + [f"values-all.yaml renders no {kind}" for kind in unseen])
    print(f"      without a schema here, so looked at by hand: {', '.join(sorted(by_hand))}")
    return f"{count} documents against Kubernetes {' and '.join(KUBERNETES)}"


def against_schemas(document):
    problems = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            at = ".".join(str(step) for step in error.path)
            problems.append(f"Kubernetes {version}: {at}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.append(error.message)
    return problems


def unsafe(document):
    """No Secrets in plain; pods as the profile `restricted` asks, with a read-only root."""
    if document["kind"] == "Secret":
        return ["the chart must make none"]
    pod = part(document, "spec.template.spec")
    if pod is None:
        return []
    container = pod["containers"][0].get("securityContext", {})
    asked = {
        "runAsNonRoot": part(pod, "securityContext.runAsNonRoot") is True,
        "seccompProfile": part(pod, "securityContext.seccompProfile.type") == "RuntimeDefault",
        "no token of Kubernetes": pod.get("automountServiceAccountToken") is False,
        "allowPrivilegeEscalation": container.get("allowPrivilegeEscalation") is False,
        "readOnlyRootFilesystem": container.get("readOnlyRootFilesystem") is True,
        "capabilities": part(container, "capabilities.drop") == ["ALL"],
    }
    return [f"the profile `restricted` asks for {name}" for name in asked if not asked[name]]


def astray(documents):
    """Selectors that select no pod, and a ServiceMonitor that does not find just one service."""
    pods = [part(document, "spec.template.metadata.labels") or {} for document in documents]
    services = [d["metadata"]["labels"] for d in documents if d["kind"] == "Service"]
    where = {"Service": "spec.selector", "NetworkPolicy": "spec.podSelector.matchLabels"}
    problems = []
    for document in documents:
        kind = document["kind"]
        wanted = part(document, where.get(kind, "spec.selector.matchLabels"))
        if wanted is None:
            continue
        among = services if kind == "ServiceMonitor" else pods
        found = sum(wanted.items() <= labels.items() for labels in among)
        if found == 0 or (kind == "ServiceMonitor" and found > 1):
            problems.append(f"{kind} {document['metadata']['name']} selects {found}")
    return problems


def check_settings():
    source = (ROOT / "crates/quell/src/config/catalogue.rs").read_text()
    known = set(re.findall(r'entry\(\s*"([a-z_.]+)"', source))
    if len(known) < 20:
        raise Wrong("catalogue.rs is not read right: mend the pattern in check_settings")
    named = {}
    # The mixin names metrics, and this program names what would be wrong.
    others = {DEPLOY / "mixin", DEPLOY / "check" / "check.py"}
    ours = [path for path in files("*") if others.isdisjoint({path, *path.parents})]
    for path in [*ours, ROOT / "docs/deploy.md"]:
        text = path.read_text()
        names = {name.lower().replace("__", ".") for name in VARIABLE.findall(text)}
        named[path.relative_to(ROOT)] = names | set(SETTING.findall(text))
    for number, values in enumerate(every_value_set()):
        for name, document in rendered(values):
            if document["kind"] == "ConfigMap":
                told = tomllib.loads(document["data"]["quell.toml"])
                named[f"{name} ({number})"] = set(flat(told))
    unknown = [(place, name) for place in named for name in sorted(named[place] - known)]
    require([f"{place}: there is no setting {name}" for place, name in unknown])
    return f"{sum(map(len, named.values()))} settings are named, all are in the catalogue"


def flat(table):
    """The keys of a TOML file as Quell names them."""
    for key, value in table.items():
        yield from (f"{key}.{name}" for name in value) if isinstance(value, dict) else [key]


def check_systemd():
    if not shutil.which("systemd-analyze"):
        if "--without-systemd" in sys.argv:
            return "NOT CHECKED: no systemd-analyze here, and --without-systemd was given"
        raise Wrong("no systemd-analyze: install systemd, or allow for it with --without-systemd")
    units = files("*.service")
    with tempfile.TemporaryDirectory() as folder:
        for unit in units:
            # The command is not installed here; any that is lets the rest be checked.
            text = unit.read_text().replace("/usr/local/bin/quell", sys.executable)
            (Path(folder) / unit.name).write_text(text)
            said = run("systemd-analyze", "verify", "--man=no", str(Path(folder) / unit.name))
            # It only remarks on a word that it does not know, and then passes over it.
            require([line for line in said.splitlines() if unit.name in line])
    return ", ".join(unit.name for unit in units)


def check_prometheus():
    tool = os.environ.get("QUELL_PROMTOOL", "promtool")
    alerts = load("deploy/mixin/alerts.yaml")
    rules = [d for _, d in rendered(every_value_set()[1]) if d["kind"] == "PrometheusRule"]
    if rules[0]["spec"] != alerts:
        raise Wrong("the chart's PrometheusRule is not deploy/mixin/alerts.yaml")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(DEPLOY / "mixin", Path(folder) / "mixin")
        (Path(folder) / "quell").mkdir()
        for name in ("token", "cert.pem"):  # promtool wants to see what compose/setup.py makes
            (Path(folder) / "quell" / name).touch()
        for config in (DEPLOY / "prometheus.yml", DEPLOY / "compose" / "prometheus.yml"):
            shutil.copy(config, Path(folder) / "checked.yml")
            hint = "; set QUELL_PROMTOOL (Debian's package prometheus has it)"
            run(tool, "check", "config", "checked.yml", cwd=folder, hint=hint)
    jobs = load("deploy/compose/prometheus.yml")["scrape_configs"]
    targets = [t for job in jobs for group in job["static_configs"] for t in group["targets"]]
    strays = {target.split(":")[0] for target in targets} - compose().keys()
    require([f"Prometheus asks {stray}, which compose.yaml does not start" for stray in strays])
    return "two configurations with the alerts; the chart has the same alerts"


def check_alertmanager():
    tool = os.environ.get("QUELL_AMTOOL", "amtool")
    hint = "; set QUELL_AMTOOL (Debian's package prometheus-alertmanager has it)"
    run(tool, "check-config", "deploy/compose/alertmanager.yml", hint=hint)
    return "alertmanager.yml"


def check_grafana():
    folder = "deploy/compose/grafana"
    source = load(f"{folder}/datasources/prometheus.yaml")["datasources"][0]
    provider = load(f"{folder}/dashboards/quell.yaml")["providers"][0]
    mount = f"./mixin/dashboards:{provider['options']['path']}:ro"
    right = {
        "the data source's uid must be `prometheus`": source["uid"] == "prometheus",
        f"compose.yaml must mount {mount}": mount in compose()["grafana"]["volumes"],
        "the dashboards must be read-only": provider["allowUiUpdates"] is False,
        "the data source must be read-only": source["editable"] is False,
    }
    require([problem for problem in right if not right[problem]])
    return "data source and dashboards are where they must be"


def main():
    failed = []
    checks = {name[6:]: check for name, check in globals().items() if name.startswith("check_")}
    for name, check in checks.items():
        try:
            print(f"ok    {name}: {check()}", flush=True)
        except Exception as error:  # a check that breaks has not passed
            print(f"FAIL  {name}: {error if isinstance(error, Wrong) else repr(error)}", flush=True)
            failed.append(name)
    sys.exit(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
