"""Why a sign-in with a provider is refused: a sentence for the person, a short reason for the log."""

from app.core.errors import Invalid, NotAllowed, Unavailable


class SignInRefused(NotAllowed):
    """This sign-in can't be completed; start again from the sign-in page."""

    reason = "refused"


class StateUnknown(SignInRefused):
    """This sign-in wasn't started in this browser, or it took too long; start again from the sign-in page."""

    reason = "state_unknown"


class StateReplayed(SignInRefused):
    """This answer of the sign-in provider was used before; start again from the sign-in page."""

    reason = "state_replayed"


class MixedUp(SignInRefused):
    """This answer came from another provider than the one the sign-in was started with; start again from the sign-in page."""

    reason = "mix_up"


class ProviderDeclined(SignInRefused):
    """Your sign-in provider didn't let you in, or you cancelled there."""

    reason = "provider_declined"


class TokenRefused(SignInRefused):
    """What the sign-in provider says of you can't be trusted; tell your administrator if it happens again."""

    reason = "token_refused"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PersonRefused(SignInRefused):
    """You were recognised by your provider, but this address may not sign in here; ask your administrator."""

    reason = "person_refused"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class ProviderAway(Unavailable):
    """Your sign-in provider can't be reached right now; try again shortly, or ask for a link by e-mail."""


class ProviderInvalid(Invalid):
    """The provider's description of itself can't be used."""

    status = 422
