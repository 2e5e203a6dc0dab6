"""What the server can be told, by environment variables POLYPHARMACY_... (and the model's own three names)."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_database() -> str:
    from polypharmacy.knowledge.tables import cache_folder

    return f"sqlite:///{cache_folder().parent / 'reviews.sqlite'}"


class Settings(BaseSettings):
    """POLYPHARMACY_HOST, _PORT, ... Sizes in bytes, times in seconds. See .env.example."""

    model_config = SettingsConfigDict(env_prefix="POLYPHARMACY_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    database_url: str = Field(default_factory=_default_database, description="SQLAlchemy URL: sqlite or postgresql")
    api_key: SecretStr | None = Field(default=None, description="asked as a bearer token of every call, if set")
    cors_origins: tuple[str, ...] = ()
    max_sessions: int = Field(default=512, ge=1, description="WebSocket and HTTP episodes open at once")
    session_idle: float = Field(default=900.0, gt=0, description="after which an idle episode is closed")
    max_body: int = Field(default=1_000_000, ge=1000)
    reset_wait: float = Field(default=45.0, gt=0, description="a reset waits for cases that are being compiled")
    warm: bool = Field(default=True, description="compile the first cases of every task when the server starts")
    api_base_url: str | None = Field(default=None, validation_alias="API_BASE_URL")
    model_name: str | None = Field(default=None, validation_alias="MODEL_NAME")
    model_key: SecretStr | None = Field(default=None, validation_alias="HF_TOKEN")
    model_timeout: float = Field(default=3.0, gt=0, description="after which the next best suggestion is given")
    mined: Path | None = Field(default=None, description="folder of a search of claims, as mine search --out writes it")
    ui: Path | None = Field(default=None, description="another folder of the built page")
