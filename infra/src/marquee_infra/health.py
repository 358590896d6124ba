"""Is each component well? What `marquee up` shows, and what its start waits for."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from marquee_infra import redis_server
from marquee_infra.ports import accepts
from marquee_shared.errors import MarqueeError
from marquee_shared.store import Store

PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One row of the table: a component, its state in words, and where it answers."""

    component: str
    state: str
    address: str
    restarts: int = 0


def answers_ok(url: str) -> bool:
    """Whether a GET of this http:// URL is answered with 200 within a second."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def kafka_state(address: str) -> str:
    """The state of the first broker of `host:port,...`."""
    host, _, port = address.split(",")[0].rpartition(":")
    return "up" if port.isdecimal() and accepts(host, int(port)) else "down"


def redis_state(url: str) -> str:
    """The state of Redis."""
    return "up" if redis_server.answers(url) else "down"


def nearline_state(metrics_url: str) -> str:
    """The state of a nearline process: it works as long as it reports its metrics."""
    return "up" if answers_ok(metrics_url) else "down"


def store_state(url: str) -> str:
    """The state of the object store at this URL."""
    try:
        Store(url).list("channels/")
    except MarqueeError:
        return "down"
    return "up"


def online_state(url: str) -> str:
    """The state of the service: alive without a model is a state of its own."""
    if answers_ok(f"{url}/readyz"):
        return "ready"
    return "alive, no model yet" if answers_ok(f"{url}/livez") else "down"


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
