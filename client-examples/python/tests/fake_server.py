"""A server of the same contract without a model: it judges by the words that query and item share,
and misbehaves on demand."""

import threading
import time
from concurrent import futures

import grpc
from gavel.v1 import relevance_pb2 as pb
from gavel.v1 import relevance_pb2_grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

LABELS = ["4-Excellent", "1-Irrelevant"]


def error(code: int, message: str, *details) -> grpc.Status:
    packed = []
    for detail in (error_details_pb2.ErrorInfo(domain="gavel.dev", reason=message.upper()), *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return rpc_status.to_status(status_pb2.Status(code=code, message=message, details=packed))


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration(nanos=int(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def judge(query: str, item: pb.Item) -> pb.ScoredItem:
    text = item.text or item.title
    if not text:
        status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="expected a text, found none")
        return pb.ScoredItem(id=item.id, status=status)
    words = query.lower().split()
    share = sum(word in text.lower() for word in words) / len(words)
    distribution = [pb.LabelProbability(label=label, probability=p, grade=grade)
                    for label, p, grade in zip(LABELS, (share, 1 - share), (4, 1))]
    return pb.ScoredItem(id=item.id, distribution=distribution, label=LABELS[share < 0.5],
                         tier=pb.GOOD if share >= 0.5 else pb.BAD, expected_grade=1 + 3 * share)


class FakeRelevance(relevance_pb2_grpc.RelevanceServicer):
    """refusals: how many Score calls to refuse first, with RetryInfo. delay: seconds per call."""

    def __init__(self):
        self.refusals = 0
        self.retry_after = 0.01
        self.delay = 0.0
        self.calls = 0
        self.explain_stopped = threading.Event()

    def Score(self, request, context):
        self.calls += 1
        if self.refusals > 0:
            self.refusals -= 1
            context.abort_with_status(
                error(code_pb2.RESOURCE_EXHAUSTED, "queue_full", retry_info(self.retry_after)))
        if not request.query.strip():
            violation = error_details_pb2.BadRequest.FieldViolation(field="query", description="blank")
            context.abort_with_status(
                error(code_pb2.INVALID_ARGUMENT, "bad_request",
                      error_details_pb2.BadRequest(field_violations=[violation])))
        time.sleep(self.delay)
        return pb.ScoreResponse(items=[judge(request.query, item) for item in request.items],
                                model=pb.ModelVersion(name="fake", version="1", quantization="none"))

    def ScoreStream(self, requests, context):
        for request in requests:
            if request.query:
                items = [judge(request.query, item) for item in request.items]
                yield pb.ScoreResponse(request_id=request.request_id, items=items)
            else:
                status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="blank query")
                yield pb.ScoreResponse(request_id=request.request_id, status=status)

    def Explain(self, request, context):
        context.add_callback(self.explain_stopped.set)
        yield pb.ExplainEvent(verdict=pb.Verdict(item=judge(request.query, request.item)))
        for number in range(request.sampling.max_tokens or 3):
            yield pb.ExplainEvent(token=pb.Token(text=f"word{number} ", id=number))
            time.sleep(self.delay)
        yield pb.ExplainEvent(final=pb.Final(generated_tokens=3, seed=7))

    def GetModel(self, request, context):
        if request.model:
            context.abort_with_status(error(code_pb2.NOT_FOUND, "unknown_model"))
        return pb.Model(version=pb.ModelVersion(name="fake"))


class FakeServer:
    def __init__(self, address: str):
        self.relevance = FakeRelevance()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        relevance_pb2_grpc.add_RelevanceServicer_to_server(self.relevance, self._server)
        port = self._server.add_insecure_port(address)
        self.target = address if address.startswith("unix:") else f"localhost:{port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(grace=None).wait()
