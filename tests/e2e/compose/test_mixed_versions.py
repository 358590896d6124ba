"""The release before beside this one: each tier is deployed, and rolled back, alone."""

import json
import shutil
import subprocess
import tomllib

import httpx2 as httpx
import pytest
from compose_stack import ROOT, TAG, TIERS, Stack
from deadline import wait_until
from people import page_with, personal, send
from previous import head, worktree

pytestmark = pytest.mark.slow

# The release before takes secrets as variables alone, and has no gauge that its health shows in.
SHELL = """
for name in MARQUEE_REDIS MARQUEE_CREDIT_KEYS AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
  eval "file=\\$${$${name}_FILE:-}"
  if [ -n "$$file" ]; then export "$$name=$$(cat "$$file")"; unset "$${name}_FILE"; fi
done
unset MARQUEE_TRAIN_EVERY_SECONDS
exec "$$@"
"""


@pytest.fixture(scope="module")
def old(stack: Stack, tmp_path_factory):
    """Per tier a compose file that makes it the release before; its images, built by today's
    Dockerfiles from that release's sources."""
    folder = tmp_path_factory.mktemp("old")
    with worktree(folder) as sources:
        version = tomllib.loads((sources / "online/pyproject.toml").read_text())["project"][
            "version"
        ]
        commit = head(sources)
        for name in (
            ".dockerignore",
            "requirements/build.txt",
            *(f"{t}/Dockerfile" for t in TIERS),
        ):
            shutil.copy(ROOT / name, sources / name)
        base = json.loads(stack.compose("config", "--format", "json"))
        for tier in TIERS:
            arguments = base["services"][tier]["build"]["args"] | {"COMMIT": commit}
            arguments |= {"VERSION": version}
            subprocess.run(
                [
                    *("docker", "build", "-q", "-f", f"{tier}/Dockerfile"),
                    *(f"--build-arg={name}={value}" for name, value in arguments.items()),
                    *("-t", f"marquee/{tier}:{version}", "."),
                ],
                cwd=sources,
                env=stack.environment,
                check=True,
                capture_output=True,
                timeout=1500,
            )
    files = {}
    for tier in TIERS:
        today = stack.engine.images.get(f"marquee/{tier}:{stack.version(tier)}")
        before = stack.engine.images.get(f"marquee/{tier}:{version}")
        assert today.attrs["RootFS"] != before.attrs["RootFS"], f"{tier}: both images are the same"
        services = {
            service: {
                "image": f"marquee/{tier}:{version}",
                "entrypoint": ["sh", "-euc", SHELL, "sh"],
                "healthcheck": {"disable": True},
            }
            for service in ((tier, "archive") if tier == "nearline" else (tier,))
        }
        services[tier]["build"] = None
        services[tier]["command"] = today.attrs["Config"]["Cmd"]  # an entrypoint drops the image's
        files[tier] = folder / f"{tier}.yml"
        files[tier].write_text(json.dumps({"services": services}).replace("null", "!reset null"))
    return files


@pytest.fixture
def http(stack):
    with httpx.Client(base_url=stack.url, timeout=10) as client:
        yield client


def deploy(stack: Stack, files, *services: str) -> None:
    """Put these services on the versions of `files`, leaving all others alone."""
    stack.files[1:] = files
    stack.compose("up", "-d", "--no-deps", *services)
    wait_until(lambda: reachable(stack), "online is ready", seconds=90)
    for service in services:
        runs = stack.container(service).attrs["Config"]["Image"].rpartition(":")[2]
        older = any(service in file.read_text() for file in files)
        assert (runs != TAG) is older, f"{service} runs {runs}"


def reachable(stack: Stack) -> bool:
    try:
        return bool(stack.ready()["ready"])
    except (httpx.HTTPError, ValueError):
        return False


def train(stack: Stack, files) -> str:
    """A new model, trained and written by the offline tier of `files`; returns when it serves."""
    stack.files[1:] = files
    before = stack.ready()["model_id"]
    stack.compose("run", "--rm", "--no-deps", "-T", "offline", "marquee-offline", "run")
    wait_until(lambda: stack.ready()["model_id"] != before, "the new model serves", seconds=30)
    return stack.ready()["model_id"]


def walk(http: httpx.Client, user: str, model: str) -> None:
    """Events change a page, whoever folds and whoever serves."""
    context = {"device": "tv", "local_time": "2026-11-20T20:30"}
    before = http.get("/v1/home", params={"user_id": user, **context}).json()
    played = [item["item_id"] for item in before["rows"][0]["items"][:3]]

    for item in played:
        send(http, user, item, "complete")
    after = page_with(http, user, before["state"]["events"] + len(played), **context)

    assert after["model_id"] == model
    assert after["basis"] == "history"
    assert after["degraded"] == []
    assert not set(played) & {item["item_id"] for item in after["rows"][0]["items"]}


def test_old_online_beside_new_nearline(stack, old, http):
    by_new = train(stack, [])
    deploy(stack, [old["online"]], "online")

    walk(http, "ml-101", by_new)
    by_old = train(stack, [old["online"], old["offline"]])
    walk(http, "ml-102", by_old)


def test_new_online_beside_old_nearline(stack, old, http):
    deploy(stack, [old["nearline"]], "nearline", "archive", "online")

    by_old = train(stack, [old["nearline"], old["offline"]])
    walk(http, "ml-103", by_old)
    by_new = train(stack, [old["nearline"]])
    walk(http, "ml-104", by_new)


def test_back_to_this_release_nothing_is_missing(stack, old, http):
    deploy(stack, [], "nearline", "archive", "online")
    stack.wait_healthy("nearline", "archive", "online", "visitors")

    for number in (101, 102, 103, 104):
        personal(http, f"ml-{number}")
    walk(http, "ml-101", stack.ready()["model_id"])
