"""A small client for Gavel.

    from gavel_client import Client

    with Client("unix:/run/gavel.sock") as gavel:
        answer = gavel.score("red running shoes", ["Acme trail runner, red"], timeout=0.5)

Messages are those of gavel/v1/relevance.proto; their comments there are the contract.
"""

from gavel.v1.relevance_pb2 import (
    BAD,
    GOOD,
    LABEL_FIRST,
    MID,
    THINK_FIRST,
    Attribute,
    ExplainEvent,
    Item,
    Model,
    Sampling,
    ScoredItem,
    ScoreRequest,
    ScoreResponse,
    Tier,
)

from .client import Client, distribution, ok
from .errors import GavelError

__all__ = [
    "BAD", "GOOD", "LABEL_FIRST", "MID", "THINK_FIRST",
    "Attribute", "Client", "ExplainEvent", "GavelError", "Item", "Model", "Sampling", "ScoredItem",
    "ScoreRequest", "ScoreResponse", "Tier", "distribution", "ok",
]
