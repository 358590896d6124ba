"""One whole platform for the session, with a small model serving: what `marquee up` starts."""

import httpx2 as httpx
import pytest
from deadline import wait_until
from models import publish, small_model

from marquee_infra.platform import Options, running
from marquee_nearline.state_store import StateStore
from marquee_shared.store import Store


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    with running(Options(data=tmp_path_factory.mktemp("platform"), port=0)) as started:
        yield started


@pytest.fixture(scope="session")
def store(platform):
    return Store(platform.endpoints.store)


@pytest.fixture(scope="session")
def states(platform):
    return StateStore(platform.endpoints.redis)


@pytest.fixture(scope="session")
def http(platform, store):
    """A client of the online tier, once both readers serve the small model."""
    model_id = publish(store, small_model())
    with httpx.Client(base_url=platform.url, timeout=10) as client:
        wait_until(lambda: client.get("/readyz").json()["model_id"] == model_id, "it serves")
        yield client
