"""One question to a language model behind a server that speaks the OpenAI protocol, bounded in time and size."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from polypharmacy.patients import InputError

MOST_BYTES = 256 * 1024
"""An answer longer than this is cut off and refused."""

CLIENT_TIMEOUT = 600.0
"""Seconds; longer than any `timeout` of a call, which alone decides."""


class Remote(NamedTuple):
    """Where a model is and what it is asked as: API_BASE_URL, MODEL_NAME, HF_TOKEN."""

    url: str
    model: str
    key: str

    def __repr__(self) -> str:
        return f"Remote({self.url!r}, {self.model!r})"


class ChatError(Exception):
    """No answer was had; the message says why in a few words, without anything the server said."""


class TimedOut(ChatError):
    """No answer in time."""


class Unusable(Exception):
    """There was an answer, and it is not one call of one tool; the message tells the model so."""


class ToolCall(NamedTuple):
    """The tool that a model called and the arguments as it wrote them: JSON text, or the object itself."""

    name: str
    arguments: str | dict[str, Any]


class _Called(BaseModel):
    name: str
    arguments: str | dict[str, Any]


class _Call(BaseModel):
    function: _Called


class _Message(BaseModel):
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    choices: list[_Choice]


class Chat:
    """A connection to one model. Used within one event loop; `close` it there. Raises InputError for a bad address."""

    def __init__(self, remote: Remote, retries: int = 0) -> None:
        from openai import AsyncOpenAI

        self.remote = remote
        try:
            self._client = AsyncOpenAI(
                base_url=remote.url, api_key=remote.key, timeout=CLIENT_TIMEOUT, max_retries=retries
            )
        except Exception:
            raise InputError(f"API_BASE_URL is no address of a server: {remote.url[:100]!r}") from None

    async def call(self, system: str, user: str, tools: Sequence[dict[str, Any]], timeout: float) -> ToolCall:
        """The tool call that the model answers with. Raises ChatError (TimedOut after `timeout` s) and Unusable."""
        import openai

        try:
            async with asyncio.timeout(timeout):
                body = await self._answer(system, user, tools)
        except (TimeoutError, openai.APITimeoutError):
            raise TimedOut(f"the model did not answer within {timeout:g} s") from None
        except openai.APIStatusError as error:
            raise ChatError(f"the model's server answered with HTTP {error.status_code}") from None
        except Exception as error:  # which HTTP client's errors come through depends on the version of openai
            raise ChatError(f"the model's server cannot be reached or read ({type(error).__name__})") from None
        if len(body) > MOST_BYTES:
            raise Unusable("the answer is far too long")
        try:
            completion = _Completion.model_validate_json(body)
        except ValidationError:
            raise ChatError("the model's server answered with something that is no chat completion") from None
        calls = completion.choices[0].message.tool_calls if completion.choices else None
        if not calls:
            raise Unusable("no tool was called")
        return ToolCall(*(getattr(calls[0].function, name) for name in ToolCall._fields))

    async def _answer(self, system: str, user: str, tools: Sequence[dict[str, Any]]) -> bytes:
        create: Any = self._client.chat.completions.with_streaming_response.create
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        asked = create(model=self.remote.model, messages=messages, tools=list(tools), tool_choice="required")
        body = bytearray()
        async with asked as response:
            async for part in response.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    break
        return bytes(body)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.close()
