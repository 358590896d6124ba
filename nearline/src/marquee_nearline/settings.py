"""Settings of the nearline tier, from the environment."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from marquee_shared.channel import DEFAULT
from marquee_shared.credit import parse_keys
from marquee_shared.errors import BadSetting
from marquee_shared.variables import read_secret_files, refuse_unknown


class Settings(BaseSettings):
    """Each field is the variable MARQUEE_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="MARQUEE_", frozen=True, extra="ignore")

    kafka: Annotated[str, Field(pattern=r"^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$")]  # host:port
    redis: Annotated[str, Field(pattern=r"^(rediss?|unix)://")]
    store: Annotated[str, Field(pattern=r"^(file|s3)://")]
    credit_keys: str = ""  # online's: without them nothing is learnt of artwork
    channel: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = DEFAULT
    cache_dir: Path = Path("~/.cache/marquee/nearline").expanduser()  # downloaded models
    worker: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "0"  # slot in the group
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0  # 0: no metrics
    metrics_host: str = "127.0.0.1"
    archive_flush_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    partitions: Annotated[int, Field(ge=1, le=1024)] = 8  # init only; then fixed for good
    replication: Annotated[int, Field(ge=1, le=7)] = 1  # init only

    @field_validator("redis")
    @classmethod
    def _reachable(cls, value: str) -> str:
        urlparse(value).port  # noqa: B018 raises ValueError for a port that is none
        return value

    @field_validator("credit_keys")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value:
            parse_keys(value)
        return value

    @property
    def keys(self) -> dict[str, bytes]:
        return parse_keys(self.credit_keys) if self.credit_keys else {}


def load_settings() -> Settings:
    """Raises BadSetting naming the first variable that is missing, wrong or unknown."""
    read_secret_files(os.environ)
    refuse_unknown(os.environ)
    try:
        return Settings()  # type: ignore[call-arg]  # the environment fills it
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"MARQUEE_{first['loc'][0]}".upper()
        raise BadSetting(f"{variable}: {first['msg']}") from None
