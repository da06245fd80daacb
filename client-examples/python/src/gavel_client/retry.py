"""When to come back: only when the server says so, and never past the caller's deadline."""

import random
import time
from typing import Callable, TypeVar

import grpc

from .errors import GavelError

Answer = TypeVar("Answer")

ATTEMPTS_MAX = 5
JITTER = 0.25  # a crowd that was refused together should not return together


class Deadline:
    """One budget of seconds for a call and all its retries."""

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())


def retrying(attempt: Callable[[float], Answer], timeout: float,
             sleep: Callable[[float], None] = time.sleep) -> Answer:
    """Calls attempt(seconds left). A refusal that carries RetryInfo is tried again after that
    delay, if the delay fits what is left of the timeout; everything else is raised as it is."""
    deadline = Deadline(timeout)
    for tries in range(1, ATTEMPTS_MAX + 1):
        try:
            return attempt(deadline.left())
        except grpc.RpcError as e:
            error = GavelError(e)
            if error.retry_after is None or tries == ATTEMPTS_MAX:
                raise error from e
            delay = error.retry_after * (1 + JITTER * random.random())
            if delay >= deadline.left():
                raise error from e
        sleep(delay)
    raise AssertionError("unreachable")
