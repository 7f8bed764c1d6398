"""Money as people read it: minor units and a currency become `€45,200.00`, never a float on the way."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

from app.core.errors import Conflict


class CurrencyMismatch(Conflict):
    """These amounts are in different currencies and can't be compared."""


def text(minor: int, currency: str, locale: str = "en") -> str:
    """`4520000, EUR` in `de` is `45.200,00 €`; the number of decimals is the currency's own (ISO 4217)."""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=locale)


def covers(limit_minor: int, limit_currency: str, minor: int, currency: str) -> bool:
    """Whether an amount lies within a limit; amounts of different currencies never do."""
    return limit_currency == currency and minor <= limit_minor
