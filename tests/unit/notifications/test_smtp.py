"""What a mail server's address may look like, and what its words mean for a letter."""

import pytest
from aiosmtplib.errors import SMTPAuthenticationError, SMTPConnectError, SMTPDataError, SMTPException, SMTPRecipientRefused

from app.core.egress import EgressRefused
from app.core.errors import Fault
from app.core.settings import WrongSetting
from app.notifications.smtp import Refused, Server, judged, server

pytestmark = pytest.mark.feature("M5")


class TestServer:
    @pytest.mark.parametrize(
        ("url", "read"),
        [
            ("smtp://mail.example", Server("mail.example", 587, None, None, False)),
            ("smtp://mail.example:2525", Server("mail.example", 2525, None, None, False)),
            ("smtps://us%40er:p%2Fw@mail.example", Server("mail.example", 465, "us@er", "p/w", True)),
        ],
    )
    def test_is_read_from_one_address(self, url: str, read: Server) -> None:
        assert server(url) == read

    @pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://"])
    def test_is_refused_by_the_settings_name(self, url: str) -> None:
        with pytest.raises(WrongSetting, match="SMTP_URL"):
            server(url)

    @pytest.mark.parametrize(
        ("url", "must"),
        [
            ("smtp://u:p@mail.example", True),
            ("smtp://u:p@127.0.0.1", None),
            ("smtp://mail.example", None),
            ("smtps://u:p@mail.example", None),
        ],
    )
    def test_gets_no_password_in_the_clear(self, url: str, must: bool | None) -> None:
        assert server(url).must_upgrade is must


class TestJudged:
    @pytest.mark.parametrize(
        ("trouble", "is_final", "code"),
        [
            (SMTPRecipientRefused(550, "no such user", "a@b.example"), True, 550),
            (SMTPRecipientRefused(450, "greylisted", "a@b.example"), False, 450),
            (SMTPDataError(554, "spam"), True, 554),
            (SMTPDataError(452, "full"), False, 452),
            (SMTPAuthenticationError(535, "wrong password"), False, 535),
            (SMTPConnectError("refused"), False, None),
            (EgressRefused(), False, None),
            (ConnectionResetError(), False, None),
        ],
    )
    def test_only_a_clear_no_to_this_letter_is_final(
        self, trouble: SMTPException | OSError | Fault, is_final: bool, code: int | None
    ) -> None:
        found = judged(trouble)
        assert isinstance(found, Refused) is is_final and found.code == code
