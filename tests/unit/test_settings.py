"""What is shown of the settings."""

import pytest

from freight.settings import Settings, describe


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://freight:hunter2@db/freight",
        "postgresql://freight@db/freight?password=hunter2",
        "postgresql://freight@db/freight?sslmode=require&passw%6Frd=hunter2",
        "postgresql:///freight?host=/run&user=freight&password=hunter2#x",
    ],
)
def test_a_password_in_a_url_is_never_shown(url: str) -> None:
    settings = Settings(database_url=url, redis_url=url.replace("postgresql", "redis"))
    shown = {variable: value for variable, value, _ in describe(settings)}
    for variable in ("FREIGHT_DATABASE_URL", "FREIGHT_REDIS_URL"):
        assert "hunter2" not in shown[variable]
        assert "freight" in shown[variable]
    assert "hunter2" not in repr(settings)


def test_what_is_harmless_in_a_url_is_shown() -> None:
    url = "postgresql://freight@db/freight?sslmode=require&host=a"
    assert url in repr(Settings(database_url=url))
