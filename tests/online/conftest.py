"""The real app, without a Kafka or a Redis: what it does alone, and how it says so."""

import pytest
from models import file_store, publish, small_model
from starlette.testclient import TestClient

from marquee_online.drain import Drain
from marquee_online.main import create_app
from marquee_online.settings import Settings


def settings_for(folder):
    """Settings of an app whose Kafka and Redis refuse connections, with a store of its own."""
    return Settings(
        kafka="127.0.0.1:1",
        redis="redis://127.0.0.1:1/0",
        store=(folder / "store").as_uri(),
        credit_keys="k1:" + "ab" * 32,
        cache_dir=folder / "cache",
    )


@pytest.fixture
def settings(tmp_path):
    return settings_for(tmp_path)


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("online")
    publish(file_store(folder / "store"), small_model())
    with TestClient(create_app(settings_for(folder), Drain())) as client:
        yield client
