"""Every use case, made once and handed to whoever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.application.change_password import ChangePassword
from identity_service.application.get_jwks import GetJwks
from identity_service.application.get_me import GetMe
from identity_service.application.log_in import LogIn
from identity_service.application.log_out import LogOut
from identity_service.application.refresh_access_token import RefreshAccessToken
from identity_service.application.sign_up import SignUp


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything identity can be asked to do."""

    sign_up: SignUp
    log_in: LogIn
    refresh_access_token: RefreshAccessToken
    log_out: LogOut
    change_password: ChangePassword
    get_me: GetMe
    get_jwks: GetJwks
