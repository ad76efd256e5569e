"""API keys and secrets, apart from where they are stored."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.domain.tenancy import api_keys
from freight.encryption import CredentialCipher, SecretError, generate_secret, secret_in


@given(st.sampled_from(["live", "test", "dev"]), st.integers(0, 44), st.sampled_from(api_keys.BASE62))
def test_a_typo_in_a_key_is_noticed_without_a_look_up(environment: str, at: int, typed: str) -> None:
    key = api_keys.generate(environment)
    assert api_keys.is_well_formed(key)
    mistyped = key[:at] + typed + key[at + 1 :]
    assert api_keys.is_well_formed(mistyped) == (mistyped == key)


@given(st.text(max_size=60))
def test_any_text_can_be_asked_whether_it_is_a_key(text: str) -> None:
    api_keys.is_well_formed(text)


def test_a_key_s_visible_prefix_shows_eight_of_its_thirty_random_characters() -> None:
    key = api_keys.generate("live")
    assert api_keys.visible_prefix(key) == key[: len("frt_live_") + 8]


@given(st.text(), st.text())
def test_what_was_sealed_opens_only_with_what_it_was_bound_to(text: str, other: str) -> None:
    cipher = CredentialCipher((generate_secret(),))
    sealed = cipher.seal(text, bound_to="job 1 source")
    assert cipher.open(sealed, bound_to="job 1 source") == text
    with pytest.raises(SecretError):
        cipher.open(sealed, bound_to="job 2 source" + other)


def test_a_new_secret_can_be_put_in_front_of_the_old_one_and_everything_still_opens() -> None:
    old, new = generate_secret(), generate_secret()
    before = CredentialCipher((old,))
    sealed, digest = before.seal("key", bound_to="x"), before.digest("frt_1")
    after = CredentialCipher((new, old))
    assert after.open(sealed, bound_to="x") == "key"
    assert after.is_digest_of(digest, "frt_1")
    with pytest.raises(SecretError, match="FREIGHT_SECRET_KEYS"):
        CredentialCipher((new,)).open(sealed, bound_to="x")


@given(st.binary(max_size=80))
def test_altered_credentials_do_not_open(garbage: bytes) -> None:
    with pytest.raises(SecretError):
        CredentialCipher((generate_secret(),)).open(garbage, bound_to="x")


@pytest.mark.parametrize("secret", ["", "short", "ä" * 43, string.ascii_letters])
def test_a_malformed_secret_is_refused_with_a_sentence(secret: str) -> None:
    with pytest.raises(SecretError, match="generate-secret"):
        CredentialCipher((secret,))


def test_without_a_secret_the_sentence_says_how_to_make_one() -> None:
    with pytest.raises(SecretError, match="generate-secret"):
        CredentialCipher(())


def test_the_home_folder_keeps_one_secret_for_its_owner_only(tmp_path) -> None:
    secret = secret_in(tmp_path)
    assert secret_in(tmp_path) == secret
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
