"""Secrets in AWS Secrets Manager."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, cast

from falaj.errors import SecretError
from falaj_control.secrets.places import Source, as_variable, as_variables

_ARN = re.compile(r"arn:aws[\w-]*:secretsmanager:(?P<region>[^:]+):")
# Seconds: an answer comes in a few tenths, and a run must not hang on a network that drops packets.
_TIMES = {"connect_timeout": 10, "read_timeout": 30}
_SESSION = "falaj-secrets"


class AwsSecrets:
    """Gives the keys of a secret that is JSON, or the whole as one variable; see the protocol."""

    def check(self) -> None:
        """Raise SecretError without the library; see the protocol."""
        if find_spec("boto3") is None:
            raise SecretError(
                "secrets in AWS Secrets Manager need a library; install it with `pip install "
                '"falaj[aws]"`.'
            )

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the variables; see the protocol."""
        options = source.chosen(region=str, json=bool, env_var_name=str)
        response = _response(source, options.get("region"))
        single = as_variable(options.get("env_var_name") or str(response.get("Name", source.id)))
        text = response.get("SecretString")
        if text is None:
            data = response.get("SecretBinary")
            if data is None:
                source.refuse("AWS answers with neither text nor bytes.")
            return {single: base64.b64encode(data).decode()}
        if not options.get("json", True):
            return {single: text}
        return as_variables(source, _object(source, text))


def _object(source: Source, text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        source.refuse(
            'it is no JSON object; write options={"json": False} to get it whole, as one variable.'
        )
    return cast("dict[str, Any]", value)


def _response(source: Source, region: str | None) -> dict[str, Any]:
    # An extra, and large.
    import boto3  # pyright: ignore[reportMissingTypeStubs]
    from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
    from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
    )

    found = _ARN.match(source.id)
    region = found["region"] if found is not None else region
    config = Config(**_TIMES, retries={"mode": "standard", "total_max_attempts": 3})
    try:
        # Of its own: the session that boto3 keeps for all must not be used by several threads.
        session: Any = cast("Any", boto3).Session(region_name=region)
        if source.role:
            session = _session_as(session, source.role, config)
        client = session.client("secretsmanager", config=config)
        return client.get_secret_value(SecretId=source.id)
    except (BotoCoreError, ClientError) as error:
        source.refuse(f"{type(error).__name__}: {error}")


def _session_as(session: Any, role: str, config: Any) -> Any:
    import boto3  # pyright: ignore[reportMissingTypeStubs]

    answer = session.client("sts", config=config).assume_role(
        RoleArn=role, RoleSessionName=_SESSION
    )
    lent = answer["Credentials"]
    return cast("Any", boto3).Session(
        aws_access_key_id=lent["AccessKeyId"],
        aws_secret_access_key=lent["SecretAccessKey"],
        aws_session_token=lent["SessionToken"],
        region_name=session.region_name,
    )
