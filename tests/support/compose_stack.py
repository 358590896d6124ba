"""The compose file on a real engine: started, looked at, killed and taken down as a user would."""

import json
import os
import subprocess
import time
from pathlib import Path

import docker
import httpx2 as httpx
from deadline import wait_until

ROOT = Path(__file__).parents[2]
PROJECT = "marquee-test"
LABEL = f"com.docker.compose.project={PROJECT}"
TAG = "0.0.0-test"
HEALTHY_SECONDS = 120.0
TIERS = ("offline", "nearline", "online")


class Stack:
    """`docker compose` on a project of its own, beside whatever else runs on this engine."""

    def __init__(self, port: int, commit: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.engine = docker.from_env()
        self.files: list[Path] = [ROOT / "docker-compose.yml"]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")},
            "HTTP_PORT": str(port),
            "COMMIT": commit,
            "ARCHIVE_FLUSH_SECONDS": "2",
            # Tags of its own: a user's images stay what they were.
            **{f"{name.upper()}_VERSION": TAG for name in (*TIERS, "visitors")},
            "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "0"),
            "COMPOSE_BAKE": "false",
        }

    def compose(self, *arguments: str, seconds: float = 600.0, **environment: str) -> str:
        """Run `docker compose`; its standard output. AssertionError with its words if it fails."""
        files = [part for file in self.files for part in ("-f", str(file))]
        done = subprocess.run(
            ["docker", "compose", "-p", PROJECT, "--progress", "quiet", *files, *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            errors="replace",  # a log may hold anything
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"compose {arguments}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def up(self, *services: str) -> float:
        """`up --wait`; how many seconds it took."""
        started = time.monotonic()
        self.compose("up", "--wait", "--wait-timeout", "600", *services, seconds=900)
        return time.monotonic() - started

    def down(self, *arguments: str) -> None:
        self.compose("down", "--remove-orphans", *arguments)

    def container(self, service: str):
        """The service's container, as it is now."""
        found = self.engine.containers.list(
            all=True, filters={"label": [LABEL, f"com.docker.compose.service={service}"]}
        )
        assert len(found) == 1, f"{service}: {len(found)} containers"
        return found[0]

    def health(self, service: str) -> str:
        return self.container(service).attrs["State"].get("Health", {}).get("Status", "none")

    def wait_healthy(self, *services: str) -> None:
        for service in services:
            wait_until(
                lambda service=service: self.health(service) == "healthy",
                f"{service} is healthy",
                seconds=HEALTHY_SECONDS,
            )

    def kill(self, service: str) -> None:
        """SIGKILL to all of a container's processes; returns when the engine has restarted it."""
        container = self.container(service)
        before = container.attrs["RestartCount"]
        container.exec_run(["sh", "-c", "kill -9 -1"])
        wait_until(
            lambda: self.container(service).attrs["RestartCount"] > before,
            f"the engine restarts {service}",
            seconds=60,
        )

    def python(self, service: str, script: str, *arguments: str) -> object:
        """Run a script in a service's container, with its secrets; the JSON that it prints."""
        return json.loads(self.compose("exec", "-T", service, "python3", "-c", script, *arguments))

    def ready(self) -> dict:
        return httpx.get(f"{self.url}/readyz", timeout=5).json()

    def version(self, tier: str) -> str:
        """The tag of a tier's image that the compose file names."""
        services = json.loads(self.compose("config", "--format", "json"))["services"]
        return services[tier]["image"].rpartition(":")[2]

    def left_over(self) -> list[str]:
        """What of this project is still on the engine, images aside."""
        lists = (self.engine.containers.list(all=True, filters={"label": LABEL}),)
        lists += (self.engine.volumes.list(filters={"label": LABEL}),)
        lists += (self.engine.networks.list(filters={"label": LABEL}),)
        return [str(found.id) for some in lists for found in some]
