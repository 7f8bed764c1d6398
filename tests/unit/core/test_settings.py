"""Settings: one frozen object; a wrong one stops the start with a sentence that names it."""

import base64
from pathlib import Path

import pytest

from app.core.settings import Settings, WrongSetting

NOWHERE = Path("/nonexistent")
KEY = base64.b64encode(b"k" * 32).decode()
GOOD = {
    "DETOUR_DATABASE_URL": "postgresql://a@h/d",
    "DETOUR_DATABASE_CUSTOMER_URL": "postgresql://c@h/d",
    "DETOUR_DATABASE_BATCH_URL": "postgresql://b@h/d",
    "DETOUR_DATABASE_DISPATCH_URL": "postgresql://x@h/d",
    "DETOUR_DATABASE_OPS_URL": "postgresql://o@h/d",
    "DETOUR_REDIS_URL": "redis://h",
    "DETOUR_MASTER_KEY": KEY,
}


@pytest.mark.feature("M200")
class TestSettings:
    def test_are_read_from_the_environment(self) -> None:
        settings = Settings.load({**GOOD, "DETOUR_EGRESS_PORTS": "80, 8443", "DETOUR_DEVELOPMENT": "yes"}, dotenv=NOWHERE)
        assert settings.egress_ports == (80, 8443)
        assert settings.development is True

    def test_take_an_env_file_beneath_the_environment(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text('# a comment\nDETOUR_LOG_LEVEL="debug"\nDETOUR_POOL_SIZE=3\n')
        settings = Settings.load({**GOOD, "DETOUR_POOL_SIZE": "5"}, dotenv=tmp_path / ".env")
        assert (settings.log_level, settings.pool_size) == ("debug", 5)

    @pytest.mark.parametrize("name", sorted(GOOD))
    def test_missing_are_named(self, name: str) -> None:
        with pytest.raises(WrongSetting, match=name):
            Settings.load({k: v for k, v in GOOD.items() if k != name}, dotenv=NOWHERE)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DETOUR_DATABASE_URL", "mysql://h"),
            ("DETOUR_MASTER_KEY", "c2hvcnQ="),
            ("DETOUR_MASTER_KEY", "not base64!"),
            ("DETOUR_PREVIOUS_MASTER_KEY", "c2hvcnQ="),
            ("DETOUR_POOL_SIZE", "many"),
            ("DETOUR_DEVELOPMENT", "perhaps"),
            ("DETOUR_EGRESS_PORTS", "80,x"),
            ("DETOUR_LOG_LEVEL", "loud"),
            ("DETOUR_PUBLIC_SCHEME", "gopher"),
            ("DETOUR_POOLSIZE", "3"),
            ("DETOUR_FAULT_DIR", "/faults"),
            ("DETOUR_EGRESS_ALLOW_LOOPBACK", "true"),
        ],
    )
    def test_wrong_are_named_in_one_sentence(self, name: str, value: str) -> None:
        with pytest.raises(WrongSetting) as refusal:
            Settings.load({**GOOD, name: value}, dotenv=NOWHERE)
        assert name in str(refusal.value)
        assert "\n" not in str(refusal.value)

    def test_show_no_secret(self) -> None:
        shown = repr(Settings.load({**GOOD, "DETOUR_SMTP_URL": "smtp://me:pa55@h"}, dotenv=NOWHERE))
        assert "pa55" not in shown
        assert "postgresql" not in shown
        assert "kkkk" not in shown

    def test_build_absolute_addresses_from_a_host(self) -> None:
        settings = Settings.load({**GOOD, "DETOUR_PUBLIC_PORT": "8080", "DETOUR_PUBLIC_SCHEME": "http"}, dotenv=NOWHERE)
        assert settings.origin("care.example") == "http://care.example:8080"
