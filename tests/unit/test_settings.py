"""Settings: which source wins, what is refused and how it is said, and what paths and addresses become."""

from __future__ import annotations

import stat
import traceback
from pathlib import Path

import pytest
from pydantic import BaseModel

from penstock import settings
from penstock.errors import SettingsError
from penstock.settings import Settings


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's variables nor this checkout's file have a say."""
    import os

    for name in os.environ:
        if name.startswith("PENSTOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def file_with(text: str, path: Path = Path("config/penstock.yaml")) -> Path:
    """Write a settings file below the current folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_stand_alone() -> None:
    """Without file, variables or flags everything has a value."""
    assert settings.load().flink.rest_port == 8081


def test_file_wins_over_defaults() -> None:
    """The settings file of the project is found without being named."""
    file_with("flink: {rest_port: 1}")

    assert settings.load().flink.rest_port == 1


def test_environment_wins_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable overrides one key and leaves its neighbours."""
    file_with("flink: {rest_port: 1, parallelism: 3}")
    monkeypatch.setenv("PENSTOCK_FLINK__REST_PORT", "2")

    loaded = settings.load()

    assert (loaded.flink.rest_port, loaded.flink.parallelism) == (2, 3)


def test_flags_win_over_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag has the last word; a flag that was not given has none."""
    monkeypatch.setenv("PENSTOCK_FLINK__REST_PORT", "2")

    loaded = settings.load(overrides={"flink.rest_port": 3, "flink.parallelism": None})

    assert (loaded.flink.rest_port, loaded.flink.parallelism) == (3, 2)


def test_named_file_replaces_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is named, by argument or variable, is read instead of config/penstock.yaml."""
    file_with("flink: {rest_port: 1}")
    other = file_with("flink: {rest_port: 5}", Path("other.yaml"))

    assert settings.load(other).flink.rest_port == 5
    monkeypatch.setenv("PENSTOCK_SETTINGS", "other.yaml")
    assert settings.load().flink.rest_port == 5


def test_project_is_found_from_below(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands work in any folder of the checkout, and relative paths mean the same in all of them."""
    file_with("models_dir: my-models")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")

    loaded = settings.load()

    assert (loaded.project_dir, loaded.models_dir) == (tmp_path, tmp_path / "my-models")


def test_every_path_becomes_absolute() -> None:
    """Nothing depends on the folder that a process happens to run in later."""
    loaded = settings.load(overrides={"kafka.external.ssl_ca_file": "ca.pem", "flink.python_executable": "bin/python"})

    def paths(model: BaseModel) -> list[Path]:
        values = [getattr(model, name) for name in type(model).model_fields]
        found = [value for value in values if isinstance(value, Path)]
        return found + [path for value in values if isinstance(value, BaseModel) for path in paths(value)]

    assert len(paths(loaded)) >= 7
    assert all(path.is_absolute() for path in paths(loaded))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "flink: {rest_prot: 1}",
            r"'flink\.rest_prot' \(from .*penstock\.yaml\) is no setting; did you mean 'flink\.rest_port'\?",
        ),
        ("rest_port: 1", r"'rest_port' .* is no setting; did you mean 'flink\.rest_port'\?"),
        ("zzz: 1", r"'zzz' .* is no setting; the sections are .*kafka"),
        ("flink: {rest_port: many}", r"'flink\.rest_port' \(from .*\): input should be a valid integer.*, got 'many'"),
        ("flink: {rest_port: 70000}", r"'flink\.rest_port' .*: input should be less than or equal to 65535, got 70000"),
        ("service: {servers: {a: {}}}", r"'service\.servers\.a\.endpoints' \(from .*penstock\.yaml\): Field required"),
        (
            "service: {fetch: {allow: [images.example]}}",
            r"'service\.fetch\.allow\.0' \(from .*penstock\.yaml\): .*, got 'images\.example'",
        ),
        ("flink: [1]", r"'flink' .*got \[1\]"),
        ("- flink", r"holds a list, expected sections with keys"),
        ("flink: {", r"is not YAML"),
    ],
)
def test_wrong_file_is_refused(text: str, message: str) -> None:
    """What is wrong, where it came from, and what was probably meant."""
    file_with(text)

    with pytest.raises(SettingsError, match=message):
        settings.load()


def test_all_faults_are_told_at_once() -> None:
    """One run is enough to see everything that has to be mended."""
    file_with("flink: {rest_port: x, parallelism: 0}")

    with pytest.raises(SettingsError, match="2 faults") as caught:
        settings.load()
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "PENSTOCK_FLNK__REST_PORT",
            r"variable 'PENSTOCK_FLNK__REST_PORT' names no setting; did you mean 'flink\.rest_port'\?",
        ),
        ("PENSTOCK_FLINK__REST_PRT", r"'flink\.rest_prt' \(from the environment\) is no setting; did you mean"),
    ],
)
def test_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    """A variable with a spelling mistake is an error, not silence."""
    monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError, match=message):
        settings.load()


def test_mark_of_the_stack_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of an embedded stack carry a variable with our prefix and still load settings."""
    monkeypatch.setenv("PENSTOCK_STACK_ID", "abc/demo")

    assert settings.load().flink.rest_port == 8081


def test_missing_file_is_refused() -> None:
    """A file that was named must be there."""
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        settings.load(Path("nowhere.yaml"))


def test_password_is_never_shown() -> None:
    """Neither representation nor refusal shows a secret."""
    file_with("kafka: {external: {sasl_password: hunter2}}")
    assert "hunter2" not in repr(settings.load())

    file_with("kafka: {external: {sasl_password: [hunter2]}}")
    with pytest.raises(SettingsError, match="got a secret") as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)


def test_clusters_without_address_are_the_embedded_broker() -> None:
    """Nothing said about Kafka: a broker is started here, and both clusters are it."""
    loaded = settings.load(overrides={"local.kafka_port": 19092})

    assert loaded.kafka.embedded is True
    assert loaded.kafka.external.bootstrap_servers == "127.0.0.1:19092"
    assert loaded.kafka.internal_cluster == loaded.kafka.external


def test_own_broker_is_not_started() -> None:
    """An address of one's own means that no broker is started, for internal topics neither."""
    loaded = settings.load(overrides={"kafka.external.bootstrap_servers": "mine:9092"})

    assert loaded.kafka.embedded is False
    assert loaded.kafka.internal_cluster.bootstrap_servers == "mine:9092"


def test_clusters_may_be_two() -> None:
    """Users' topics on their broker, Penstock's own on the embedded one."""
    file_with("kafka: {external: {bootstrap_servers: 'mine:9092'}, internal: {}}")

    loaded = settings.load()

    assert loaded.kafka.embedded is True
    assert loaded.kafka.internal_cluster.bootstrap_servers == "127.0.0.1:9092"


def test_written_settings_read_back_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stack runs with is kept whole, secrets too, for nobody but its owner; variables then have no say."""
    loaded = settings.load(
        overrides={
            "kafka.external": {
                "bootstrap_servers": "mine:9092",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "me",
                "sasl_password": "hunter2",
                "more_java": {"sasl.login.class": "mine"},
                "more_python": {"socks5_proxy": "mine", "metrics_num_samples": 3, "ssl_check_hostname": False},
            },
            "flink.delivery_guarantee": "exactly-once",
        }
    )
    file = tmp_path / "settings.yaml"

    settings.write(loaded, file)

    monkeypatch.setenv("PENSTOCK_FLINK__REST_PORT", "2")
    assert settings.read(file) == loaded
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_options_of_stores_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold keys, at whatever depth; from file and environment they come together."""
    file_with("models: {options: {s3: {secret: hunter2, client_kwargs: {endpoint_url: 'http://a'}}}}")
    monkeypatch.setenv("PENSTOCK_MODELS__OPTIONS", '{"gs": {"token": "hunter2"}}')
    loaded = settings.load()

    assert loaded.models.options["s3"].get_secret_value()["client_kwargs"] == {"endpoint_url": "http://a"}
    assert loaded.models.options["gs"].get_secret_value() == {"token": "hunter2"}
    assert "hunter2" not in repr(loaded)
    changed = settings.differences(Settings(), loaded)
    assert [line.partition(":")[0] for line in changed if "models.options" in line] == ["models.options"]
    assert "hunter2" not in "".join(changed)


@pytest.mark.parametrize("options", ["{s3: hunter2}", "hunter2", "[hunter2]", "{S3: {a: hunter2}}"])
def test_wrong_options_of_stores_are_not_shown_either(options: str) -> None:
    """The refusal names the setting only."""
    file_with(f"models: {{options: {options}}}")
    with pytest.raises(SettingsError, match=r"models\.options") as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("PENSTOCK_MODELS__OPTIONS", '{"s3": {"secret": "hunter2'), ("PENSTOCK_MODELS", "hunter2")],
)
def test_text_that_is_no_json_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """The variable is named, and what stands there is shown nowhere: it may be a secret."""
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError, match=rf"variable '{name}': expected JSON, got what is none") as caught:
        settings.load()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("store", "expected"),
    [("", ".penstock/data/models"), ("files", "files"), ("/files", "/files"), ("s3://bucket/a", "s3://bucket/a")],
)
def test_store_of_models_is_found_from_everywhere(store: str, expected: str, tmp_path: Path) -> None:
    """A folder is taken from the project's, a URI is left alone; the cache is beside the data."""
    made = Settings(project_dir=tmp_path, models={"store": store})
    assert made.models.store == (expected if "://" in expected else str(tmp_path / expected))
    assert made.models.cache_folder == tmp_path / ".penstock" / "cache" / "models"
    assert Settings(project_dir=tmp_path, models={"cache_dir": "c"}).models.cache_folder == tmp_path / "c"


def test_properties_of_clients_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, because their names have dots; they may be secret, so they are never shown."""
    monkeypatch.setenv("PENSTOCK_KAFKA__EXTERNAL__MORE_JAVA", '{"sasl.login.class": "hunter2"}')
    cluster = settings.load().kafka.external

    assert cluster.java_properties()["sasl.login.class"] == "hunter2"
    assert "hunter2" not in repr(cluster)
    monkeypatch.setenv("PENSTOCK_KAFKA__EXTERNAL__MORE_JAVA", '{"sasl.login.class": ["hunter2"]}')
    with pytest.raises(SettingsError, match=r"more_java.*got a secret") as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)


def test_differences_name_the_settings() -> None:
    """Two sets of settings are told apart key by key, without showing secrets."""
    old = settings.load(overrides={"flink.rest_port": 1, "kafka.external.sasl_password": "a"})
    new = settings.load(overrides={"flink.rest_port": 2, "kafka.external.sasl_password": "b"})

    assert settings.differences(old, old) == []
    changed = settings.differences(old, new)
    assert "flink.rest_port: 1, now 2" in changed
    assert [line for line in changed if "sasl_password" in line] == [
        "kafka.external.sasl_password: **********, now **********"
    ]


def test_every_setting_is_documented() -> None:
    """No field without its purpose; numbers with their unit are a matter of reading."""

    def undocumented(model: type[BaseModel]) -> list[str]:
        return [f"{model.__name__}.{name}" for name, field in model.model_fields.items() if not field.description]

    sections = [Settings.model_fields[name].annotation for name in Settings.model_fields]
    models = [section for section in sections if isinstance(section, type) and issubclass(section, BaseModel)]
    assert [fault for model in models for fault in undocumented(model)] == []


def test_defaults_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class itself reads nothing behind the caller's back."""
    monkeypatch.setenv("PENSTOCK_FLINK__REST_PORT", "2")

    assert Settings().flink.rest_port == 8081


def test_project_file_is_valid() -> None:
    """The file in the repository loads, and every key that it comments on exists."""
    project = Path(__file__).parents[2]

    assert settings.load(project / settings.DEFAULT_FILE).project_dir


def test_model_server_of_the_stack_is_the_default() -> None:
    """Where no other is named, it is started and asked, wherever it listens."""
    loaded = Settings(local={"host": "h", "model_server_port": 9}).service
    own = Settings(service={"servers": {"big": {"endpoints": ["a:1"]}}}).service

    assert (loaded.embedded, loaded.servers["default"].endpoints) == (True, ("h:9",))
    assert (own.embedded, [*own.servers]) == (False, ["big"])


def test_outage_is_waited_for_within_a_checkpoint() -> None:
    """A job that waits makes none."""
    file_with("flink: {checkpoint_timeout_ms: 60000}")

    with pytest.raises(SettingsError, match=r"- service\.patience_ms must be less than flink\.checkpoint_timeout_ms"):
        settings.load()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("spark: {trigger_interval_ms: 10}", "must be at least 5000 with trigger real-time, got 10"),
        ("spark: {models_pattern: '('}", "expected a regular expression"),
        ("service: {servers: {a: {endpoints: []}}}", "expected one address at least, host:port"),
        ("service: {servers: {a: {endpoints: a:1}}}", "expected a list, got 'a:1'"),
        ("service: {servers: {a: {endpoints: [nowhere]}}}", "expected host:port without a scheme"),
        ("service: {servers: {a: {endpoints: ['a:65536']}}}", "ports end at 65535, got 'a:65536'"),
        ("service: {servers: {A: {endpoints: ['a:1']}}}", "'service.servers.A' .* expected a name of lower-case"),
        ("service: {servers: {a: {endpoints: ['a:1'], transport: rest}}}", "goes with protocol open-inference"),
        ("service: {servers: {a: {endpoints: ['a:1'], tls: {key: k}}}}", "give both or neither"),
        ("service: {fetch: {allow: [images]}}", "expected the beginning of a URI, as"),
    ],
)
def test_engines_settings_are_checked(text: str, fault: str) -> None:
    """Before anything starts."""
    file_with(text)

    with pytest.raises(SettingsError, match=fault):
        settings.load()


def test_what_servers_are_sent_is_secret() -> None:
    """Also where it is wrong."""
    file_with("service: {servers: {a: {endpoints: ['a:1'], metadata: {Authorization: [hush]}}}}")

    with pytest.raises(SettingsError, match="metadata") as caught:
        settings.load()

    assert "hush" not in str(caught.value)
