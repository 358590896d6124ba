"""Cluster: which namespace of user states is active. One Redis hash that nearline writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from marquee_shared.errors import BadState

KEY = "cluster:meta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The active namespace, its partition count, and the namespace before it."""

    namespace: str
    partitions: int
    previous: str = ""


def encode_cluster(cluster: Cluster) -> dict[str, str]:
    """The fields of the hash."""
    return {
        "namespace": cluster.namespace,
        "partitions": str(cluster.partitions),
        "previous": cluster.previous,
    }


def decode_cluster(fields: Mapping[bytes | str, bytes | str]) -> Cluster | None:
    """The hash as Redis answers it, or None where there is none. Raises BadState."""
    if not fields:
        return None
    text = {_text(name): _text(value) for name, value in fields.items()}
    try:
        return Cluster(
            namespace=text["namespace"],
            partitions=int(text["partitions"]),
            previous=text.get("previous", ""),
        )
    except (KeyError, ValueError) as error:
        raise BadState(f"{KEY}: unreadable: {error}") from error


def meta_key(namespace: str, partition: int) -> str:
    """The hash of a partition's topic, next offset and epoch, in the slot of its users."""
    return f"p:{{{namespace}.{partition}}}:meta"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
