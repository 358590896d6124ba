"""Settings of the online tier, from the environment."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from marquee_shared.bandit import POLICIES
from marquee_shared.channel import DEFAULT
from marquee_shared.credit import parse_keys
from marquee_shared.errors import BadSetting
from marquee_shared.experiment import Experiment, read_experiments
from marquee_shared.variables import read_secret_files, refuse_unknown


class Settings(BaseSettings):
    """Each field is the variable MARQUEE_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="MARQUEE_", frozen=True, extra="ignore")

    kafka: Annotated[str, Field(pattern=r"^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$")]  # host:port
    redis: Annotated[str, Field(pattern=r"^(rediss?|unix)://")]
    store: Annotated[str, Field(pattern=r"^(file|s3)://")]
    credit_keys: str  # id:hex[,id:hex]; the first signs, all verify
    channel: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = DEFAULT
    cache_dir: Path = Path("~/.cache/marquee/online").expanduser()  # downloaded models
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    redis_timeout_ms: Annotated[int, Field(ge=1, le=5000)] = 50  # then the page goes on without
    experiments: Path | None = None  # a TOML file; shared/README.md has its format

    @field_validator("redis")
    @classmethod
    def _reachable(cls, value: str) -> str:
        urlparse(value).port  # noqa: B018 raises ValueError for a port that is none
        return value

    @field_validator("credit_keys")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_keys(value)
        return value

    @field_validator("experiments")
    @classmethod
    def _experiments_hold(cls, value: Path | None) -> Path | None:
        load_experiments(value)
        return value


def load_experiments(path: Path | None) -> tuple[Experiment, ...]:
    """The experiments of a file, none without one. Raises BadSetting naming file and key."""
    if path is None:
        return ()
    try:
        return read_experiments(path.read_bytes(), POLICIES)
    except OSError as error:
        raise BadSetting(f"MARQUEE_EXPERIMENTS: {path}: {error.strerror}") from error
    except BadSetting as error:
        raise BadSetting(f"MARQUEE_EXPERIMENTS: {path}: {error}") from error


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
