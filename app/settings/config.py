"""The settings: one class, read from `GROUNDWORK_*` variables, an env file and systemd credentials."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source

from app.settings import broker_url, sources, storage_place, time_limits
from app.settings.alert_kinds import AlertAddresses, AlertCommand, AlertUrls, HeartbeatUrl
from app.settings.kinds import (
    BaseUrl,
    BrokerUrl,
    DatabaseUrl,
    FcmCredentials,
    Host,
    HttpUrl,
    ImageRepository,
    Mailbox,
    MirrorUrl,
    PerMinute,
    PlaidEnvironment,
    Port,
    Program,
    RedisPrefix,
    RedisUrl,
    Seconds,
)
from app.settings.redis_url import RedisAddress, address_of
from app.settings.secret import refuse_weak_secret
from app.settings.sources import PREFIX, ConfigError
from app.settings.storage_place import StoragePlace
from app.settings.telemetry_kinds import OtelHeaders, SentryDsn
from app.settings.time_limits import MAX_TIME_LIMITS, TaskTimeLimits, TimeLimits
from app.values.row_ids import MAX_BIGINT
from app.values.strict_models import plain_int

if TYPE_CHECKING:
    from pydantic import ValidationInfo
    from sqlalchemy import URL

    from app.settings.amqp_url import AmqpAddress
    from app.settings.mirror_url import MirrorPlace


class Settings(BaseSettings):
    """Every value an operator may set. Field names in capitals with the prefix are the keys."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Encrypts sensitive task arguments and stored credentials. Random, at least 32 "
        "characters, the same on every host.",
    )
    other_secret_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Keys that decrypt and never encrypt, separated by spaces: the next `secret_key` before "
        "it takes over, the last one until `groundwork secrets rotate` is done.",
    )
    database_url: DatabaseUrl = Field(
        default="sqlite:///var/groundwork.db",
        description="The ledger: postgresql://user:password@host/name, or sqlite:///path for one small host.",
    )
    redis_url: RedisUrl = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="The broker, unless `broker_url` names another: redis://, unix:// or rediss:// URL, the "
        "last with ?ssl_ca_certs=FILE for a CA of your own.",
    )
    broker_url: BrokerUrl = Field(
        default=SecretStr(""),
        description="Another broker than the Redis of `redis_url`: RabbitMQ as "
        "amqp://user:password@host:5672/vhost or amqps://, with ?ssl_ca_certs=FILE for a CA of your own.",
    )
    redis_prefix: RedisPrefix = Field(
        default="groundwork:",
        description="Prefix of every key in Redis and every name in RabbitMQ, so that one server can be "
        "shared. Its only colon is at its end.",
    )
    release: str = Field(
        default_factory=sources.installed_release,
        description="Name of the running release, recorded with each attempt. Unset: that of the installed "
        "release, `dev` in a checkout.",
    )
    log_dir: Path | None = Field(
        default=None,
        description="Folder of the service logs (one JSON object a line). Unset: standard error.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest severity that is logged."
    )
    job_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "OFF"] = Field(
        default="INFO",
        description="Lowest severity that the log of each job keeps, of what is logged at all (`log_level`); "
        "OFF keeps none.",
    )
    api_host: Host = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: Port = Field(default=8000, description="Port the API listens on.")
    api_url: BaseUrl = Field(
        default="",
        description="URL under which callers reach the API, for links to files: https://HOST. Unset: that of "
        "`api_host` and `api_port`, which other machines do not reach.",
    )
    api_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Number of gunicorn processes."
    )
    livez_open: bool = Field(
        default=False,
        description="Whether /livez answers callers without a token, as load balancers need it; callers on "
        "loopback need none anyway.",
    )
    api_request_seconds: Seconds = Field(
        default=30, description="How long the head and the body of a request may each take to arrive."
    )
    api_in_flight: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=128,
        description="Requests that each gunicorn process handles at once, at most half of them for one "
        "token.",
    )
    api_token_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1_000, description="Requests per second that each gunicorn process accepts from one token."
    )
    api_stranger_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=20,
        description="Requests per second that each gunicorn process accepts from one address without a token "
        "or a session, or with ones that are not known; five times as many at once after a pause.",
    )
    worker_concurrency: Annotated[int, Field(ge=1, le=512)] | None = Field(
        default=None,
        description="How many jobs each worker runs at a time. Unset: as its pool in app/topology.py.",
    )
    flower_port: Port = Field(default=5555, description="Port of Flower; it listens on loopback only.")
    flower_url_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        default="", description='First part of the path of every page of Flower; "flower" behind the proxy.'
    )
    flower_user: Annotated[str, Field(pattern=r"^[^:\s]+$")] = Field(
        default="groundwork", description="User name for Flower, without a colon."
    )
    flower_password: SecretStr = Field(
        default=SecretStr(""), description="Password for Flower; Flower refuses to start without one."
    )
    worker_folder: Path = Field(
        default=Path("var/workers"),
        description="Folder on a disk of this host in which its workers see which of them has died.",
    )
    lease_seconds: Seconds = Field(
        default=60,
        description="How long a job stays with a worker that does not renew its lease, which it does three "
        "times in this time. One that is not heard of for 15 s loses its jobs before, except on SQLite.",
    )
    recover_seconds: Seconds = Field(
        default=5, description="How often beat looks for lost messages and expired leases."
    )
    lost_after_seconds: Seconds = Field(
        default=10,
        description="How long a published job may be missing from the broker before it is published again.",
    )
    claim_ahead: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=100,
        description="Jobs that a worker may claim beyond what it runs: no more than begin within 50 ms. "
        "0: its processes claim each job when they begin it.",
    )
    queue_depth_limit: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        default=10_000,
        description="Messages that a queue may hold in Redis for each priority; further jobs wait in the "
        "ledger.",
    )
    result_mirror: MirrorUrl = Field(
        default=SecretStr(""),
        description="Where results are written beside the ledger, for Celery clients elsewhere: redis://, "
        "rediss://, db+postgresql:// or db+mysql:// (needs PyMySQL), as they have it as result_backend.",
    )
    publish_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = Field(
        default=250, description="How long one publish may take; after that, beat repeats it."
    )
    pricing_rules: Path | None = Field(
        default=None,
        description="YAML file of discount rules. Unset: the file that comes with the release.",
    )
    mail_transport: Literal["file", "smtp", "ses"] = Field(
        default="file",
        description="How mail is sent: into GROUNDWORK_MAIL_FOLDER, by SMTP, or by Amazon SES.",
    )
    mail_folder: Path = Field(
        default=Path("var/mail"),
        description="Folder of the mail transport `file`, which keeps each mail as an .eml file.",
    )
    mail_from: Mailbox = Field(
        default="Groundwork <groundwork@localhost>", description="Sender of every mail, as Name <address>."
    )
    mail_per_minute: PerMinute = Field(
        default=840,
        description="Mails per minute that all workers together send; the default is the first quota at "
        "Amazon SES, 14 a second.",
    )
    mail_uncertain: Literal["hold", "send"] = Field(
        default="hold",
        description="What happens to a mail that may or may not have been sent: `hold` it for a person, or "
        "`send` it again.",
    )
    mail_smtputf8: bool = Field(
        default=False,
        description="Whether to accept addresses such as jörg@example.org, which needs a mail server with "
        "SMTPUTF8.",
    )
    smtp_host: Host = Field(default="127.0.0.1", description="Host name of the SMTP server.")
    smtp_port: Port = Field(
        default=587, description="Port of the SMTP server, usually 587 with starttls and 465 with tls."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="Encryption of the connection to the SMTP server; `none` for a server on this host only.",
    )
    smtp_user: str = Field(default="", description="User name at the SMTP server. Unset: no authentication.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password at the SMTP server.")
    aws_region: str = Field(
        default="eu-central-1",
        description="AWS region of SES, SNS and ECR, and of S3 unless `storage_region` names another.",
    )
    aws_access_key_id: str = Field(
        default="",
        description="AWS access key for SES, SNS, ECR and S3. Unset: what boto3 finds (profile, role of the "
        "machine).",
    )
    aws_secret_access_key: SecretStr = Field(
        default=SecretStr(""), description="Secret of the AWS access key."
    )
    aws_endpoint_url: BaseUrl = Field(
        default="", description="URL of another server that speaks AWS's API, for trials."
    )
    storage: StoragePlace = Field(
        default="var/storage",
        description="Where files are kept: a folder, the same for the API and all workers, or "
        "s3://bucket/prefix.",
    )
    storage_region: str = Field(default="", description="AWS region of the bucket. Unset: `aws_region`.")
    storage_endpoint_url: BaseUrl = Field(
        default="",
        description="URL of another server that speaks S3 and has the bucket. Unset: `aws_endpoint_url`, or "
        "AWS itself.",
    )
    ecr_registry_url: BaseUrl = Field(
        default="",
        description="URL of another registry for images than the one that Amazon ECR names, for trials.",
    )
    trivy_path: Program = Field(
        default="",
        description="Absolute path of Trivy, which then scans images on the worker's host. Unset: Amazon ECR "
        "scans them.",
    )
    trivy_cache_folder: Path = Field(
        default=Path("var/trivy"), description="Folder where Trivy keeps its database of vulnerabilities."
    )
    trivy_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=900, description="How long Trivy may take to scan one image."
    )
    image_repository_prefix: ImageRepository = Field(
        default="models",
        description="Repositories of images are named PREFIX/SLUG, by the slug of the model. Of services "
        "that push to the same registry, each needs its own prefix.",
    )
    image_blocking_severity: Literal["critical", "high", "medium", "low"] = Field(
        default="high",
        description="A version whose image has a weakness of this severity or a graver one is not published.",
    )
    alert_mail: AlertAddresses = Field(
        default="", description="Addresses that get alerts by mail, separated by spaces."
    )
    alert_slack_urls: AlertUrls = Field(
        default=SecretStr(""),
        description="URLs of incoming webhooks of Slack that get alerts, separated by spaces.",
    )
    alert_webhook_urls: AlertUrls = Field(
        default=SecretStr(""),
        description="URLs that get alerts as signed JSON, separated by spaces.",
    )
    alert_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Key of the signature of alerts to webhooks. Random, at least 32 characters.",
    )
    alert_command: AlertCommand = Field(
        default="",
        description="Program that gets each alert as JSON on its standard input: a JSON list of its absolute "
        "path and its arguments, of which none is a secret.",
    )
    alert_after_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=60,
        description="How long the database, Redis, beat or a pool's workers may be away before an alert.",
    )
    alert_recovery_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=120,
        description="How long all must be well again before that is told, so that what comes and goes is one "
        "alert.",
    )
    daily_mail: AlertAddresses = Field(
        default="",
        description="Addresses that get a mail each day about the jobs of the day before and what needs a "
        "person, separated by spaces. Unset: none.",
    )
    heartbeat_url: HeartbeatUrl = Field(
        default=SecretStr(""),
        description="URL that is asked (GET) each minute while all is well, of a service such as "
        "healthchecks.io that calls when it stays away. Unset: none.",
    )
    health_disk_free_mib: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        default=1_024, description="MiB that must be free on the disks of the service's folders."
    )
    health_queue_depth: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        default=10_000, description="Jobs that may wait in a queue before there is an alert."
    )
    health_queue_age_seconds: Seconds = Field(
        default=900, description="How long a job may wait in its queue before there is an alert."
    )
    health_queue_paused_seconds: Seconds = Field(
        default=14_400, description="How long a queue may be paused before there is an alert."
    )
    health_dead_jobs: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        default=0,
        description="Dead jobs that may wait for a person for more than a day before there is an alert.",
    )
    backup_status: Path = Field(
        default=Path("/var/lib/groundwork-backup/status.json"),
        description="JSON file in which what makes this host's backups says when it last did (`made_at`), "
        "how old that may be (`max_age_hours`) and what failed since (`failure`). Where there is none, "
        "backups are not watched.",
    )
    otel_endpoint: HttpUrl = Field(
        default="",
        description="URL of a collector that takes traces by OTLP over HTTP, such as http://127.0.0.1:4318. "
        "Unset: nothing is traced.",
    )
    otel_headers: OtelHeaders = Field(
        default=SecretStr(""),
        description="Headers that it is sent, such as api-key=VALUE, separated by commas.",
    )
    otel_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="Share of the traces that begin here which are sent, from 0 to 1."
    )
    sentry_dsn: SentryDsn = Field(
        default=SecretStr(""), description="DSN of a project of Sentry. Unset: errors are reported nowhere."
    )
    sentry_environment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = Field(
        default="production", description="Name of the environment that errors are reported of."
    )
    sign_in_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=30, description="How long somebody who signed in stays so, in a browser or a client."
    )
    access_token_minutes: Annotated[int, Field(ge=1, le=1_440)] = Field(
        default=10, description="How long an access token of somebody who signed in is good."
    )
    open_registration: bool = Field(
        default=False,
        description="Whether anybody who can read mail may register without a token, to be a viewer.",
    )
    public_url: BaseUrl = Field(
        default="",
        description="URL of your pages for people, to which links in mails lead: https://HOST. Unset: mails "
        "have a code to be typed in.",
    )
    breached_passwords: Path | None = Field(
        default=None,
        description="File of passwords that nobody may choose: sorted lines of SHA-1 in hexadecimal digits, "
        "as Have I Been Pwned offers them. Unset: a short list that comes with the release.",
    )
    plaid_environment: PlaidEnvironment = Field(
        default="sandbox",
        description="Environment of Plaid, `sandbox` or `production`, or the URL of a server that speaks "
        "its API.",
    )
    plaid_client_id: str = Field(default="", description="Client id at Plaid. Unset: banks cannot be linked.")
    plaid_secret: SecretStr = Field(
        default=SecretStr(""), description="Secret of the client at Plaid, of the same environment."
    )
    plaid_webhook_url: HttpUrl = Field(
        default="", description="URL at which Plaid reaches this API: https://HOST/api/v1/webhooks/plaid."
    )
    plaid_per_minute: PerMinute = Field(
        default=1_000,
        description="Requests per minute that all workers together send to Plaid (2,500 in production).",
    )
    google_client_id: str = Field(
        default="", description="OAuth client id at Google. Unset: Google calendars cannot be connected."
    )
    google_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Secret of the OAuth client at Google."
    )
    google_url: BaseUrl = Field(
        default="",
        description="URL of another server that speaks Google's OAuth and Calendar API, for trials.",
    )
    google_per_minute: PerMinute = Field(
        default=600, description="Requests per minute that all workers together send to Google Calendar."
    )
    microsoft_client_id: str = Field(
        default="",
        description="Application (client) id at Microsoft. Unset: Outlook calendars cannot be connected.",
    )
    microsoft_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Client secret of the application at Microsoft."
    )
    microsoft_tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] = Field(
        default="common",
        description="Whose accounts may sign in: a tenant's id or domain, or `organizations`, `consumers` or "
        "`common`.",
    )
    microsoft_url: BaseUrl = Field(
        default="",
        description="URL of another server that speaks Microsoft's identity platform and Graph, for trials.",
    )
    microsoft_per_minute: PerMinute = Field(
        default=600, description="Requests per minute that all workers together send to Microsoft Graph."
    )
    slack_client_id: str = Field(
        default="", description="Client id of the app at Slack. Unset: Slack cannot be connected."
    )
    slack_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Client secret of the app at Slack."
    )
    slack_signing_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signing secret of the app at Slack, by which its events are known.",
    )
    slack_url: BaseUrl = Field(
        default="", description="URL of another server that speaks Slack's API, for trials."
    )
    stripe_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signing secret of the webhook endpoint at Stripe, whsec_..., by which its events are "
        "known. Unset: they are refused.",
    )
    oauth_redirect_url: HttpUrl = Field(
        default="",
        description="URL of your page to which Google, Microsoft and Slack send people back with `code` and "
        "`state`, as it is registered there.",
    )
    push_provider: Literal["none", "sns", "fcm"] = Field(
        default="none",
        description="How push messages are sent: not at all, by Amazon SNS, or by Firebase Cloud Messaging.",
    )
    fcm_credentials: FcmCredentials = Field(
        default=SecretStr(""), description="JSON of the Google service account for Firebase Cloud Messaging."
    )
    fcm_url: BaseUrl = Field(
        default="https://fcm.googleapis.com",
        description="URL of Firebase Cloud Messaging, or of another server that speaks its API, for trials.",
    )
    pretend_now: datetime | None = Field(
        default=None,
        description="Current time as far as business days go, such as 2026-01-31T09:00:00Z; for trials in a "
        "checkout.",
    )
    marketplace_tenant_id: Annotated[int, Field(ge=1, le=MAX_BIGINT)] | None = Field(
        default=None,
        description="Tenant of billing that sells in the marketplace: invoices of orders are in its name, "
        "with numbers of its sequence. Unset: orders get no invoices.",
    )
    catch_up_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = Field(
        default=600, description="A schedule that was missed by no more than this fires once, late."
    )
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=30,
        description="How long finished jobs and settled deliveries are kept; dead jobs stay until they are "
        "retried.",
    )
    audit_reads: bool = Field(
        default=False,
        description="Whether the operation log also has requests that change nothing; those that were denied "
        "are always in it.",
    )
    audit_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=180, description="How long the operation log and the login log are kept."
    )
    audit_archive_folder: Path | None = Field(
        default=None,
        description="Folder, the same for all workers, to which audit records are written before they are "
        "deleted (gzipped JSON lines). Unset: they are deleted only.",
    )
    task_time_limit_seconds: Seconds = Field(
        default=1800, description="Hard time limit of tasks that declare none: a task is killed after it."
    )
    task_soft_time_limit_seconds: Seconds = Field(
        default=1500,
        description="Soft time limit of tasks that declare none: SoftTimeLimitExceeded is raised in a task "
        "after it.",
    )
    task_time_limits: TaskTimeLimits = Field(
        default="",
        description="Hard and soft time limit of single tasks, in place of all others: "
        "models.push_to_ecr=60m/55m, several with spaces between them.",
    )
    soft_shutdown_seconds: Seconds = Field(
        default=45, description="How long a stopping worker lets its jobs run before it releases them."
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value != ""}

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_plain(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        return plain_int(value) if _is_whole(field.annotation) else value

    @model_validator(mode="after")
    def _refuse_weak_secret(self) -> Self:
        refuse_weak_secret(name=f"{PREFIX}SECRET_KEY", value=self.secret_key.get_secret_value())
        for other in self.secret_keys[1:]:
            refuse_weak_secret(name=f"{PREFIX}OTHER_SECRET_KEYS", value=other)
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.task_soft_time_limit_seconds >= self.task_time_limit_seconds:
            raise ConfigError(
                f"{PREFIX}TASK_SOFT_TIME_LIMIT_SECONDS ({self.task_soft_time_limit_seconds}) must be below "
                f"{PREFIX}TASK_TIME_LIMIT_SECONDS ({self.task_time_limit_seconds}): lower the first or raise "
                "the second."
            )
        most = MAX_TIME_LIMITS * self.task_time_limit_seconds
        for name, limits in self.time_limits.items():
            if limits.hard > most:
                raise ConfigError(
                    f"{PREFIX}TASK_TIME_LIMITS gives {name} {limits.hard} s, and messages are sent again "
                    f"after {most} s, {MAX_TIME_LIMITS} times {PREFIX}TASK_TIME_LIMIT_SECONDS: lower the "
                    "first or raise the second."
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
    def _alerts_are_signed(self) -> Self:
        if self.alert_webhook_urls.get_secret_value():
            refuse_weak_secret(
                name=f"{PREFIX}ALERT_WEBHOOK_SECRET", value=self.alert_webhook_secret.get_secret_value()
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

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The key that seals, and after it those that only open."""
        return self.secret_key.get_secret_value(), *self.other_secret_keys.get_secret_value().split()

    @cached_property
    def database(self) -> URL:
        """Where the ledger lives, with the driver that is used."""
        from app.settings.database_url import parse  # loads SQLAlchemy, which not every command needs

        return parse(self.database_url)

    @cached_property
    def broker(self) -> AmqpAddress | RedisAddress:
        """Where messages are."""
        return broker_url.parse(self.broker_url.get_secret_value() or self.redis_url.get_secret_value())

    @cached_property
    def redis(self) -> RedisAddress:
        """The Redis that there is, if it is the broker or not."""
        return (
            self.broker
            if isinstance(self.broker, RedisAddress)
            else address_of(self.redis_url.get_secret_value())
        )

    @cached_property
    def mirror(self) -> MirrorPlace | None:
        """Where results are mirrored, if anywhere."""
        from app.settings import mirror_url  # loads SQLAlchemy, which not every command needs

        url = self.result_mirror.get_secret_value()
        return mirror_url.parse(url) if url else None

    @cached_property
    def storage_place(self) -> Path | storage_place.Bucket:
        """Where files are kept."""
        return storage_place.parse(self.storage)

    @cached_property
    def time_limits(self) -> dict[str, TimeLimits]:
        """The time limits of single tasks by their names."""
        return time_limits.parse(self.task_time_limits)

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger is a SQLite file."""
        return self.database.drivername == "sqlite"


def _is_whole(annotation: Any) -> bool:
    return annotation is int or any(map(_is_whole, get_args(annotation)))


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
