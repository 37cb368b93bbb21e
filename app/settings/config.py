"""The settings: one class, read from `GROUNDWORK_*` variables, an env file and systemd credentials."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source

from app.settings import sources
from app.settings.kinds import (
    DatabaseUrl,
    FcmCredentials,
    Host,
    HttpUrl,
    Mailbox,
    PerMinute,
    PlaidEnvironment,
    Port,
    RedisPrefix,
    RedisUrl,
    Seconds,
)
from app.settings.secret import refuse_weak_secret
from app.settings.sources import PREFIX, ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL


class Settings(BaseSettings):
    """Every value an operator may set. Field names in capitals with the prefix are the keys."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Seals sensitive task arguments. Random, at least 32 characters, the same on every host.",
    )
    database_url: DatabaseUrl = Field(
        default="sqlite:///var/groundwork.db",
        description="The ledger: postgresql://user:password@host/name, or sqlite:///path for one small host.",
    )
    redis_url: RedisUrl = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="The broker: redis://, unix:// or rediss:// URL, the last with "
        "?ssl_ca_certs=FILE for a CA of your own.",
    )
    redis_prefix: RedisPrefix = Field(
        default="groundwork:",
        description="Put before every key in Redis, so that one server can be shared. It ends with its only "
        "colon.",
    )
    release: str = Field(
        default_factory=sources.installed_release,
        description="Name of the running release; recorded with each attempt. Unset: that of the installed "
        "release, `dev` in a checkout.",
    )
    log_dir: Path | None = Field(
        default=None,
        description="Folder of the service logs (one JSON object a line). Unset: standard error.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that is logged."
    )
    api_host: Host = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: Port = Field(default=8000, description="Port the API listens on.")
    api_workers: Annotated[int, Field(ge=1, le=64)] = Field(default=2, description="gunicorn processes.")
    livez_open: bool = Field(
        default=False,
        description="Whether /livez answers anybody without a token, as load balancers need; callers on "
        "loopback always may ask.",
    )
    api_request_seconds: Seconds = Field(
        default=30, description="How long a request may take to arrive, its head and its body each."
    )
    api_in_flight: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=128,
        description="Requests that each gunicorn process works on at once; half of them for one token.",
    )
    api_token_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1_000, description="Requests of one token that each gunicorn process takes in a second."
    )
    worker_concurrency: Annotated[int, Field(ge=1, le=512)] | None = Field(
        default=None, description="Processes of a worker. Unset: the number of its pool."
    )
    flower_port: Port = Field(default=5555, description="Port of Flower; it listens on loopback only.")
    flower_url_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        default="", description='First part of every path of Flower; "flower" behind the proxy.'
    )
    flower_user: Annotated[str, Field(pattern=r"^[^:\s]+$")] = Field(
        default="groundwork", description="User name for Flower, without a colon."
    )
    flower_password: SecretStr = Field(
        default=SecretStr(""), description="Password for Flower; Flower refuses to start without one."
    )
    lease_seconds: Seconds = Field(
        default=60,
        description="How long a job stays with a worker that is not heard of; workers renew at a third.",
    )
    recover_seconds: Seconds = Field(
        default=5, description="How often beat looks for lost messages and ended leases."
    )
    lost_after_seconds: Seconds = Field(
        default=10,
        description="How long a published job may be missing from the broker before it is published again.",
    )
    queue_depth_limit: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        default=10_000,
        description="Messages a queue may hold in Redis, of each class of priority; the rest waits in the "
        "ledger and follows later.",
    )
    publish_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = Field(
        default=250, description="How long one publish may take before beat is left to repeat it."
    )
    pricing_rules: Path | None = Field(
        default=None,
        description="YAML file of discount rules. Unset: the one that comes with the release.",
    )
    mail_transport: Literal["file", "smtp", "ses"] = Field(
        default="file", description="How mail leaves: kept in `mail_folder`, by SMTP, or by Amazon SES."
    )
    mail_folder: Path = Field(
        default=Path("var/mail"),
        description="Where the transport `file` keeps each mail, one .eml file each.",
    )
    mail_from: Mailbox = Field(
        default="Groundwork <groundwork@localhost>", description="Sender of every mail: Name <address>."
    )
    mail_per_minute: PerMinute = Field(
        default=840,
        description="Mails that all workers together send; the default is 14 a second, SES's first.",
    )
    mail_uncertain: Literal["hold", "send"] = Field(
        default="hold",
        description="A mail of which nobody knows whether it left: `hold` it for a person, or `send` it.",
    )
    mail_smtputf8: bool = Field(
        default=False,
        description="Whether addresses such as jörg@example.org are taken: the mail server offers SMTPUTF8.",
    )
    smtp_host: Host = Field(default="127.0.0.1", description="Mail server of the transport `smtp`.")
    smtp_port: Port = Field(default=587, description="Its port: 587 with starttls, 465 with tls.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Encryption to it; `none` for a server on this host only."
    )
    smtp_user: str = Field(default="", description="User name there. Unset: no sign-in.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password there.")
    aws_region: str = Field(default="eu-central-1", description="Region of SES and SNS.")
    aws_access_key_id: str = Field(
        default="", description="Key of SES and SNS. Unset: what boto3 finds (profile, role of the machine)."
    )
    aws_secret_access_key: SecretStr = Field(default=SecretStr(""), description="Its secret.")
    aws_endpoint_url: HttpUrl = Field(
        default="", description="Another server that speaks AWS's API, for trials."
    )
    plaid_environment: PlaidEnvironment = Field(
        default="sandbox", description="Plaid's `sandbox` or `production`, or the URL of a server like it."
    )
    plaid_client_id: str = Field(default="", description="Client id at Plaid. Unset: banks cannot be linked.")
    plaid_secret: SecretStr = Field(default=SecretStr(""), description="Secret of that environment at Plaid.")
    plaid_webhook_url: HttpUrl = Field(
        default="", description="This API as Plaid reaches it: https://HOST/api/v1/webhooks/plaid."
    )
    plaid_per_minute: PerMinute = Field(
        default=1_000, description="Requests that all workers together send to Plaid (2,500 in production)."
    )
    push_provider: Literal["none", "sns", "fcm"] = Field(
        default="none", description="How notices reach phones: Amazon SNS or Firebase Cloud Messaging."
    )
    fcm_credentials: FcmCredentials = Field(
        default=SecretStr(""), description="JSON of the service account for Firebase Cloud Messaging."
    )
    fcm_url: HttpUrl = Field(
        default="https://fcm.googleapis.com", description="Another server that speaks its API, for trials."
    )
    pretend_now: datetime | None = Field(
        default=None,
        description="Business days are counted as if it were this moment (2026-01-31T09:00:00Z); for trials.",
    )
    catch_up_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = Field(
        default=600, description="A schedule missed by no more than this is fired once, late."
    )
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=30,
        description="How long finished jobs and what they sent are remembered; dead jobs stay until retried.",
    )
    task_time_limit_seconds: Seconds = Field(
        default=1800, description="A task is killed after this, unless it declares its own limit."
    )
    task_soft_time_limit_seconds: Seconds = Field(
        default=1500, description="A task is told to end after this (SoftTimeLimitExceeded)."
    )
    soft_shutdown_seconds: Seconds = Field(
        default=45, description="How long a stopping worker lets its jobs run before it gives them back."
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _refuse_weak_secret(self) -> Self:
        refuse_weak_secret(name=f"{PREFIX}SECRET_KEY", value=self.secret_key.get_secret_value())
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.task_soft_time_limit_seconds >= self.task_time_limit_seconds:
            raise ConfigError(
                f"{PREFIX}TASK_SOFT_TIME_LIMIT_SECONDS ({self.task_soft_time_limit_seconds}) must be below "
                f"{PREFIX}TASK_TIME_LIMIT_SECONDS ({self.task_time_limit_seconds}): lower the first or raise "
                "the second."
            )
        return self

    @model_validator(mode="after")
    def _push_has_credentials(self) -> Self:
        if self.push_provider == "fcm" and not self.fcm_credentials.get_secret_value():
            raise ConfigError(
                f"{PREFIX}PUSH_PROVIDER is fcm and {PREFIX}FCM_CREDENTIALS is not set: give the JSON file of "
                "a service account, or choose another provider."
            )
        return self

    @model_validator(mode="after")
    def _pretends_only_in_a_checkout(self) -> Self:
        if self.pretend_now is not None and self.release != "dev":
            raise ConfigError(f"{PREFIX}PRETEND_NOW is for trials in a checkout. Remove it here.")
        if self.pretend_now is not None and self.pretend_now.tzinfo is None:
            raise ConfigError(f"{PREFIX}PRETEND_NOW needs a zone, as in 2026-01-31T09:00:00Z.")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Source,
        env_settings: Source,
        dotenv_settings: Source,  # noqa: ARG003 (it would expand variables; systemd does not)
        file_secret_settings: Source,  # noqa: ARG003 (it takes misspelt names)
    ) -> tuple[Source, ...]:
        """Where values come from, the first that has one winning."""
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=sources.env_values(cls.model_fields)),
            InitSettingsSource(settings_cls, init_kwargs=sources.credentials(cls.model_fields)),
        )

    @cached_property
    def database(self) -> URL:
        """Where the ledger lives, with the driver that is used."""
        from app.settings.database_url import parse  # loads SQLAlchemy, which not every command needs

        return parse(self.database_url)

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger is a SQLite file."""
        return self.database.drivername == "sqlite"


def _in_sentences(error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        sentences.append(f"{name}: {problem['msg']}.")
    return "The settings cannot be used. " + " ".join(sentences)


def load_settings() -> Settings:
    """Read and check the settings. Raises `ConfigError` with one sentence per mistake."""
    sources.refuse_misspelt_variables(Settings.model_fields)
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError(_in_sentences(error)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
