"""The client and the examples against the fake server, over a Unix socket and over TCP."""

import io
import json

import bulk
import explain
import grpc
import pytest
import rerank
import score
from fake_server import FakeServer
from gavel_client import Client, GavelError, Item, Sampling, distribution, ok


@pytest.fixture(params=["unix", "tcp"])
def server(request, tmp_path):
    address = f"unix:{tmp_path}/gavel.sock" if request.param == "unix" else "localhost:0"
    with FakeServer(address) as running:
        yield running


@pytest.fixture
def gavel(server):
    with Client(server.target) as client:
        yield client


def test_score_answers_in_order_and_per_item(gavel):
    answer = gavel.score("red shoes", ["blue hat", "red shoes", Item(id="x")], timeout=5)
    assert [ok(item) for item in answer.items] == [True, True, False]
    assert distribution(answer.items[1]) == {"4-Excellent": 1.0, "1-Irrelevant": 0.0}
    assert answer.items[2].id == "x"
    assert "found none" in answer.items[2].status.message


def test_refusal_with_retry_info_is_retried(server, gavel):
    server.relevance.refusals = 3
    assert len(gavel.score("red", ["red"], timeout=5).items) == 1
    assert server.relevance.calls == 4


def test_attempts_are_bounded(server, gavel):
    server.relevance.refusals = 100
    with pytest.raises(GavelError) as caught:
        gavel.score("red", ["red"], timeout=60)
    assert caught.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert server.relevance.calls == 5


def test_no_retry_past_the_deadline(server, gavel):
    server.relevance.refusals = 1
    server.relevance.retry_after = 0.9
    with pytest.raises(GavelError) as caught:
        gavel.score("red", ["red"], timeout=0.8)
    assert caught.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.retry_after == pytest.approx(0.9)
    assert caught.value.reason == "QUEUE_FULL"
    assert server.relevance.calls == 1


def test_deadline(server, gavel):
    server.relevance.delay = 5
    with pytest.raises(GavelError) as caught:
        gavel.score("red", ["red"], timeout=0.2)
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_bad_request_names_the_field(server, gavel):
    with pytest.raises(GavelError) as caught:
        gavel.score(" ", ["red"], timeout=5)
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.violations == {"query": "blank"}
    assert server.relevance.calls == 1, "a wrong request is not sent again"


def test_unknown_model(gavel):
    assert gavel.model().version.name == "fake"
    with pytest.raises(GavelError) as caught:
        gavel.model("other")
    assert caught.value.code == grpc.StatusCode.NOT_FOUND


def test_explain_streams(gavel):
    out = io.StringIO()
    final = explain.play(gavel.explain("red shoes", "red shoes", timeout=5), out)
    assert final.seed == 7
    assert out.getvalue().startswith("[4-Excellent, GOOD]")
    assert "word0 word1 word2" in out.getvalue()


def test_explain_stops_the_server_when_closed(server, gavel):
    server.relevance.delay = 0.01
    events = gavel.explain("red", "red", timeout=60, sampling=Sampling(max_tokens=100_000))
    for _ in range(5):
        next(events)
    events.close()
    assert server.relevance.explain_stopped.wait(10)


def test_rerank_orders_by_grade_and_keeps_places(gavel):
    page, judged = rerank.rerank(gavel, "red shoes", ["hat", "", "red hat", "red shoes"], timeout=5)
    assert judged
    assert page == ["red shoes", "", "red hat", "hat"]


def test_rerank_falls_back(server, gavel, tmp_path):
    titles = ["hat", "red shoes"]
    server.relevance.refusals = 100
    assert rerank.rerank(gavel, "red shoes", titles, timeout=0.5) == (titles, False)
    server.relevance.refusals = 0
    server.relevance.delay = 5
    assert rerank.rerank(gavel, "red shoes", titles, timeout=0.2) == (titles, False)
    with Client(f"unix:{tmp_path}/nobody.sock") as nobody:
        assert rerank.rerank(nobody, "red shoes", titles, timeout=0.5) == (titles, False)
    with pytest.raises(GavelError):
        rerank.rerank(gavel, "", titles, timeout=5)


def test_bulk_matches_by_request(gavel):
    lines = [json.dumps({"query": query, "items": ["red hat", ""]}) for query in ("red", "", "hat")]
    answers = {answer.request_id: list(bulk.rows(answer))
               for answer in gavel.score_stream(bulk.requests(lines), timeout=10)}
    assert sorted(answers) == ["0", "1", "2"]
    assert answers["1"] == [{"request": "1", "error": "blank query"}]
    assert answers["0"][0]["label"] == "4-Excellent"
    assert "error" in answers["0"][1]


def test_score_example_prints_every_outcome(gavel):
    answer = gavel.score("waterproof hiking boots", score.PRODUCTS, timeout=5)
    printed = [score.show(product, item) for product, item in zip(score.PRODUCTS, answer.items)]
    assert "GOOD" in printed[0]
    assert "not judged" in printed[-1]
