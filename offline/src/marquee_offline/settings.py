"""Settings: everything that two deployments of the trainer set differently, from MARQUEE_*."""

import os
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from marquee_shared.channel import DEFAULT
from marquee_shared.errors import BadSetting
from marquee_shared.fold_in import Objective
from marquee_shared.variables import PREFIX, read_secret_files, refuse_unknown


class Settings(BaseSettings):
    """Read once at start. How the defaults of `train_*` were chosen: offline/README.md."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store: str
    channel: str = Field(DEFAULT, pattern=r"^[a-z0-9-]{1,32}$")
    cache_dir: Path = Path.home() / ".cache" / "marquee" / "offline"
    spark_master: str = "local[2]"
    spark_blocks: int = Field(2, ge=1, le=100_000)  # user blocks: one or a few per core
    train_dimensions: int = Field(32, ge=1, le=512)
    train_epochs: int = Field(6, ge=1, le=100)
    train_a0: float = Field(0.6, gt=0)
    train_lam: float = Field(0.003, gt=0)
    train_ridge: float = Field(200.0, gt=0)
    train_seed: int = Field(1, ge=0)
    train_every_seconds: float = Field(24 * 3600, ge=1)  # `schedule` only

    @property
    def objective(self) -> Objective:
        return Objective(a0=self.train_a0, lam=self.train_lam)


def load() -> Settings:
    """The settings of this process. Raises BadSetting naming the variable."""
    read_secret_files(os.environ)
    refuse_unknown(os.environ)
    try:
        return Settings()  # type: ignore[call-arg]  # the required field comes from the environment
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadSetting(f"{name}: {first['msg'].lower()}") from error
