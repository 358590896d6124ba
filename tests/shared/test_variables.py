import pytest

from marquee_shared.errors import BadSetting
from marquee_shared.variables import read_secret_files, refuse_unknown


def test_a_secret_given_as_a_file_becomes_the_variable(tmp_path):
    (tmp_path / "redis").write_text("redis://online:word@redis:6379/0\n")
    environment = {"MARQUEE_REDIS_FILE": str(tmp_path / "redis"), "HOME": "/home"}

    read_secret_files(environment)

    assert environment == {"MARQUEE_REDIS": "redis://online:word@redis:6379/0", "HOME": "/home"}
    refuse_unknown(environment)


def test_a_secret_given_twice_is_refused(tmp_path):
    (tmp_path / "keys").write_text("a:00")
    both = {"MARQUEE_CREDIT_KEYS": "b:11", "MARQUEE_CREDIT_KEYS_FILE": str(tmp_path / "keys")}

    with pytest.raises(BadSetting, match="MARQUEE_CREDIT_KEYS_FILE: MARQUEE_CREDIT_KEYS is set"):
        read_secret_files(both)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"", "is empty"), (b"\xff\xfe", "no text")]
)
def test_an_unusable_secret_file_names_its_variable(tmp_path, content, why):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadSetting, match=rf"AWS_SECRET_ACCESS_KEY_FILE: .*{why}"):
        read_secret_files({"AWS_SECRET_ACCESS_KEY_FILE": str(path)})


def test_only_secrets_may_be_files():
    with pytest.raises(BadSetting, match="MARQUEE_KAFKA_FILE: no such setting"):
        refuse_unknown(["MARQUEE_KAFKA_FILE"])
