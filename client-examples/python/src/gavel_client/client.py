"""The client: a channel, the four calls, deadlines and retries."""

from collections.abc import Iterable, Iterator

import grpc
from gavel.v1 import relevance_pb2 as pb
from gavel.v1 import relevance_pb2_grpc

from .errors import GavelError
from .retry import retrying

_OPTIONS = [
    # Retries are ours: they honour RetryInfo and the caller's deadline.
    ("grpc.enable_retries", 0),
    # A local server may restart; look for it often.
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class Client:
    """Calls one Gavel server. Threads may share it; close it, or use it in a with statement.

    target: "unix:/path/to/socket" or "host:port".
    credentials: for TLS, as grpc.ssl_channel_credentials() makes them; None means plain text.
    """

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None):
        if credentials is None:
            self._channel = grpc.insecure_channel(target, _OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, _OPTIONS)
        self._stub = relevance_pb2_grpc.RelevanceStub(self._channel)

    def score(self, query: str, items: Iterable[pb.Item | str], *, timeout: float,
              **options) -> pb.ScoreResponse:
        """Judges all items of one query, in their order. Look at each item's status: see ok().

        timeout: seconds for the call and all its retries.
        options: further fields of ScoreRequest, such as label_mass=True.
        Raises GavelError.
        """
        request = _score_request(query, items, **options)
        return retrying(lambda left: self._stub.Score(request, timeout=left), timeout)

    def score_stream(self, requests: Iterable[pb.ScoreRequest], *,
                     timeout: float | None = None) -> Iterator[pb.ScoreResponse]:
        """Judges many queries over one call, for bulk work. Answers come as they finish: match
        them by request_id, and look at each answer's status. `requests` is read only as fast as
        the server takes them, so it may be a generator over a large file.
        """
        return _translated(self._stub.ScoreStream(iter(requests), timeout=timeout))

    def explain(self, query: str, item: pb.Item | str, *, timeout: float,
                **options) -> Iterator[pb.ExplainEvent]:
        """Judges one pair and streams the reasoning. Stop early by closing the iterator; the server
        then stops, too. A stream is not retried: some of it may have been shown already.

        options: further fields of ExplainRequest, such as order=THINK_FIRST or
        sampling=Sampling(temperature=0).
        """
        request = pb.ExplainRequest(query=query, item=_item(item), **options)
        return _translated(self._stub.Explain(request, timeout=timeout))

    def model(self, name: str = "", *, timeout: float = 5.0) -> pb.Model:
        """What is being served: labels, tier rule, limits, version."""
        request = pb.GetModelRequest(model=name)
        return retrying(lambda left: self._stub.GetModel(request, timeout=left), timeout)

    def close(self):
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_):
        self.close()


def ok(item: pb.ScoredItem) -> bool:
    """Whether the item was judged; otherwise its status says why not."""
    return item.status.code == grpc.StatusCode.OK.value[0]


def distribution(item: pb.ScoredItem) -> dict[str, float]:
    """The item's probability by label, best grade first."""
    return {entry.label: entry.probability for entry in item.distribution}


def _item(item: pb.Item | str) -> pb.Item:
    return pb.Item(text=item) if isinstance(item, str) else item


def _score_request(query: str, items: Iterable[pb.Item | str], **options) -> pb.ScoreRequest:
    return pb.ScoreRequest(query=query, items=map(_item, items), **options)


def _translated(call) -> Iterator:
    """The call's messages; its errors as GavelError; cancelled when it is closed or dropped."""
    try:
        yield from call
    except grpc.RpcError as e:
        raise GavelError(e) from e
    finally:
        call.cancel()
