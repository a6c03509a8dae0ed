"""What deploy/ says of the gateway is what compose.yaml, its image and its code say."""

import inspect
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from vui_gateway.app import create_app
from vui_gateway.server import GRACE
from vui_gateway.settings import DEFAULT_PORT, Settings
from vui_gateway.turns.limits import Limits

from tests.support.harness import ROOT
from tests.support.kubernetes import assembled, problems
from vui_litellm.stream import THOUGHTS_SECONDS

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["gateway"]
STACK = yaml.safe_load((DEPLOY / "swarm" / "stack.yaml").read_text())
SWARM = STACK["services"]["gateway"]
HAPROXY = (DEPLOY / "swarm" / "haproxy" / "haproxy.cfg").read_text()
DOCKERFILE = (ROOT / "gateway" / "Dockerfile").read_text()
RESOURCES = {resource["kind"]: resource for resource in assembled()}
POD = RESOURCES["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
UID = int(re.search(r"useradd --uid (\d+)", DOCKERFILE).group(1))  # type: ignore[union-attr]
GID = int(re.search(r"groupadd --gid (\d+)", DOCKERFILE).group(1))  # type: ignore[union-attr]
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "Mi": 2**20, "Gi": 2**30}


def size(text: str | int) -> int:
    """Bytes: Docker's `m` and Kubernetes' `Mi` are the same."""
    number, unit = re.fullmatch(r"(\d+)(\D*)", str(text)).groups()  # type: ignore[union-attr]
    return int(number) * UNITS.get(unit, 1)


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def environment() -> dict[str, dict[str, str]]:
    kubernetes = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    return {"swarm": SWARM["environment"], "kubernetes": kubernetes}


def mounts(volumes: list) -> dict[str, Any]:
    return {one["target"]: one for one in volumes}


# ---- Kubernetes' own rules


def test_what_kustomize_makes_is_what_kubernetes_knows() -> None:
    assert problems(assembled()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pod: pod["containers"][0].update(readinesProbe={}),
        lambda pod: pod["containers"][0]["ports"][0].update(containerPort="4000"),
        lambda pod: pod.update(terminationGracePeriodSeconds="45s"),
    ],
    ids=["unknown field", "wrong type", "wrong unit"],
)
def test_a_mistake_is_found(spoil: Callable[[dict], None]) -> None:
    resources = assembled()
    deployment = next(one for one in resources if one["kind"] == "Deployment")
    spoil(deployment["spec"]["template"]["spec"])
    assert problems(resources)


def test_every_reference_of_the_pod_is_generated_and_every_selector_finds_it() -> None:
    generated = {one["metadata"]["name"] for one in assembled() if "data" in one}
    project, redis = POD["volumes"][:2]
    named = [source[kind]["name"] for source in project["projected"]["sources"] for kind in source]
    assert {*named, redis["secret"]["secretName"]} == generated
    labels = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert RESOURCES["Service"]["spec"]["selector"] == labels
    assert RESOURCES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    target = RESOURCES["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "gateway")


# ---- one image, one port, one user


def test_the_image_is_the_same() -> None:
    assert COMPOSE["build"] == {"context": ".", "dockerfile": "gateway/Dockerfile"}
    for where in ("swarm", "kubernetes"):
        lines = (DEPLOY / where / "README.md").read_text()
        assert re.search(
            r"docker build -t \S*vui-litellm/gateway\S* -f gateway/Dockerfile \.", lines
        )
    assert SWARM["image"] == "${VUI_REGISTRY:-}vui-litellm/gateway:${VUI_IMAGE_TAG:-latest}"
    assert "/vui-litellm/gateway:" in CONTAINER["image"]
    bare = yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text())
    assert bare["spec"]["template"]["spec"]["containers"][0]["image"] == "vui-litellm/gateway"


def test_the_port_is_the_same() -> None:
    assert f"EXPOSE {DEFAULT_PORT}\n" in DOCKERFILE
    assert COMPOSE["ports"][0].endswith(f":{DEFAULT_PORT}")
    assert [port["containerPort"] for port in CONTAINER["ports"]] == [DEFAULT_PORT]
    assert RESOURCES["Service"]["spec"]["ports"][0]["port"] == DEFAULT_PORT
    ingress = RESOURCES["NetworkPolicy"]["spec"]["ingress"][0]["ports"]
    assert [port["port"] for port in ingress] == [DEFAULT_PORT]
    assert f"tasks.gateway:{DEFAULT_PORT}\n" in HAPROXY


def test_the_user_is_the_images() -> None:
    context = POD["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (UID, GID, GID)
    for secret in SWARM["secrets"]:
        assert (secret["uid"], secret["gid"]) == (str(UID), str(GID))


def test_rights_are_none() -> None:
    assert SWARM["cap_drop"] == COMPOSE["cap_drop"] == ["ALL"]
    assert SWARM["read_only"] is COMPOSE["read_only"] is True
    assert SWARM["init"] is COMPOSE["init"] is True
    assert SWARM["ulimits"] == COMPOSE["ulimits"] == {"core": 0}
    assert SWARM["logging"] == COMPOSE["logging"]
    context = CONTAINER["securityContext"]
    assert context["capabilities"]["drop"] == COMPOSE["cap_drop"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False  # compose: no-new-privileges
    assert POD["securityContext"]["runAsNonRoot"] is True
    for service in STACK["services"].values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}


def test_limits_are_the_same() -> None:
    swarm = SWARM["deploy"]["resources"]["limits"]
    assert size(swarm["memory"]) == size(COMPOSE["mem_limit"])
    assert size(CONTAINER["resources"]["limits"]["memory"]) == size(COMPOSE["mem_limit"])
    assert swarm["pids"] == COMPOSE["pids_limit"]  # Kubernetes: the kubelet's podPidsLimit


def test_mounts_are_the_same() -> None:
    (tmp,) = COMPOSE["tmpfs"]
    path, _, given = tmp.partition(":size=")
    in_memory = {volume["name"]: volume.get("emptyDir") for volume in POD["volumes"]}
    mounted = {mount["mountPath"]: mount for mount in CONTAINER["volumeMounts"]}
    listed = {volume.split(":")[1] for volume in COMPOSE["volumes"]} | {path}
    # Who signs in with a subscription has one gateway.
    assert mounted.keys() - {"/run/secrets/redis"} == listed - {"/var/lib/vui-litellm"}
    assert size(in_memory[mounted[path]["name"]]["sizeLimit"]) == size(given)
    assert mounted["/project"]["readOnly"] is True
    assert mounts(SWARM["volumes"])[path]["tmpfs"]["size"] == size(given)
    files = {one["target"] for one in [*SWARM["configs"], *SWARM["secrets"]] if "target" in one}
    assert files == {"/project/litellm_config.yaml", "/project/.env"}
    key_file = SWARM["environment"]["VUI_LITELLM_KEY_FILE"]
    assert key_file.rpartition("/")[0] in mounts(SWARM["volumes"])


@pytest.mark.parametrize(("service", "port"), [("haproxy", 8443), ("redis", 6379)])
def test_the_other_images_listen_where_they_are_asked(service: str, port: int) -> None:
    image = (DEPLOY / "swarm" / service / "Dockerfile").read_text()
    assert f"EXPOSE {port}\n" in image
    assert "\nUSER 10001:10001\n" in image
    published = STACK["services"][service].get("ports", [])
    assert [entry["target"] for entry in published] == ([port] if service == "haproxy" else [])
    assert "bind :8443 ssl" in HAPROXY


# ---- rolling it out


def rolled(folder: Path, env_file: str, missing: str = "") -> subprocess.CompletedProcess[str]:
    files = {"CONFIG": "a", "ENV": env_file, "CERTIFICATE": "a", "REDIS_URL": "a"}
    env = {"PATH": os.environ["PATH"]}
    for name, content in files.items():
        (folder / name).write_text("" if name == missing else content)
        env[f"VUI_{name}_FILE"] = str(folder / name)
    roll = str(DEPLOY / "swarm" / "roll")
    return subprocess.run([roll], env=env, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(
    "text", ["OPENAI_API_KEY=k\n", "VUI_LITELLM_KEY=\n", "# VUI_LITELLM_KEY=k\n"]
)
def test_gateways_without_a_key_in_common_are_not_rolled_out(tmp_path: Path, text: str) -> None:
    told = rolled(tmp_path, text)
    assert told.returncode == 2
    assert told.stderr.startswith("VUI_LITELLM_KEY is not set in ")


@pytest.mark.parametrize("name", ["CONFIG", "CERTIFICATE", "REDIS_URL"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    told = rolled(tmp_path, "VUI_LITELLM_KEY=k", missing=name)
    assert told.returncode == 2
    assert told.stderr.startswith(f"{tmp_path / name} is missing or empty.")


# ---- settings and times


@pytest.mark.parametrize("where", ["swarm", "kubernetes"])
def test_every_variable_is_a_setting_with_a_value_that_it_takes(where: str) -> None:
    aliases = {field.alias for field in Settings.model_fields.values()}
    given = environment()[where]
    assert given.keys() - {"VUI_GATEWAY_REDIS_URL_FILE"} <= aliases  # a file that holds a setting
    Settings.model_validate(given)


def test_the_redis_url_is_read_where_it_is_mounted() -> None:
    swarm = {f"/run/secrets/{secret['source']}" for secret in SWARM["secrets"]}
    assert environment()["swarm"]["VUI_GATEWAY_REDIS_URL_FILE"] in swarm
    folder, _, key = environment()["kubernetes"]["VUI_GATEWAY_REDIS_URL_FILE"].rpartition("/")
    (name,) = [m["name"] for m in CONTAINER["volumeMounts"] if m["mountPath"] == folder]
    (volume,) = [v for v in POD["volumes"] if v["name"] == name]
    secret = next(
        one for one in assembled() if one["metadata"]["name"] == volume["secret"]["secretName"]
    )
    assert key in secret["data"]


def test_probes_ask_routes_that_there_are() -> None:
    paths = re.findall(r'Route\("([^"]+)"', inspect.getsource(create_app))
    for kind in ("startup", "readiness", "liveness"):
        assert CONTAINER[f"{kind}Probe"]["httpGet"]["path"] in paths
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/health/readiness"
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/health/liveliness"
    assert "option httpchk GET /health/readiness\n" in HAPROXY


def test_a_start_takes_as_long_as_the_image_allows() -> None:
    start = int(re.search(r"--start-period=(\d+)s", DOCKERFILE).group(1))  # type: ignore[union-attr]
    probe = CONTAINER["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= start


def test_the_drain_outlasts_the_balancers_check_and_the_kill_outlasts_both() -> None:
    inter, fall = re.search(r"inter (\d+)s fall (\d+)", HAPROXY).groups()  # type: ignore[union-attr]
    swarm, kubernetes = (
        float(given["VUI_GATEWAY_DRAIN_SECONDS"]) for given in environment().values()
    )
    assert swarm >= 2 * int(inter) * int(fall)
    probe = CONTAINER["readinessProbe"]
    assert kubernetes >= 2 * probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds(COMPOSE["stop_grace_period"]) >= GRACE + 5
    assert seconds(SWARM["stop_grace_period"]) >= swarm + GRACE + 5
    assert POD["terminationGracePeriodSeconds"] >= kubernetes + GRACE + 5


def test_the_balancer_outwaits_vui_which_outwaits_the_gateway() -> None:
    waits = dict(re.findall(r"timeout (client|server) (\d+)s\n", HAPROXY))
    assert waits.keys() == {"client", "server"}
    for wait in waits.values():
        assert int(wait) > THOUGHTS_SECONDS > Limits().own_thoughts
    assert "http-error status 504 content-type application/json" in HAPROXY


def test_one_is_replaced_at_a_time_and_the_new_one_comes_first() -> None:
    for change in ("update_config", "rollback_config"):
        assert SWARM["deploy"][change]["order"] == "start-first"
        assert SWARM["deploy"][change]["parallelism"] == 1
    rolling = RESOURCES["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}


def test_only_what_was_not_sent_on_is_sent_again() -> None:
    assert re.findall(r"retry-on (.*)", HAPROXY) == ["conn-failure"]
    assert "on-marked-down" not in HAPROXY  # it would cut the replies of a gateway that drains
