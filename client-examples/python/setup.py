"""Generates the stubs from proto/ before anything is packed, so none are committed."""

import pathlib
import sys
from importlib import resources

from grpc_tools import protoc
from setuptools import setup

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto/src/main/protobuf"
CONTRACT = "gavel/v1/relevance.proto"
STUBS = HERE / "src"


def generate():
    if not (PROTO / CONTRACT).is_file():
        if (STUBS / "gavel/v1/relevance_pb2_grpc.py").is_file():
            return  # a source archive carries the stubs
        sys.exit(f"expected {PROTO / CONTRACT}, found none: install from a checkout of Gavel")
    includes = [PROTO, resources.files("grpc_tools") / "_proto", _common_protos()]
    failed = protoc.main(
        ["protoc", *(f"-I{path}" for path in includes), f"--python_out={STUBS}",
         f"--pyi_out={STUBS}", f"--grpc_python_out={STUBS}", CONTRACT])
    if failed:
        sys.exit(f"protoc failed with status {failed}")
    for package in ("gavel", "gavel/v1"):
        (STUBS / package / "__init__.py").touch()


def _common_protos() -> pathlib.Path:
    """Where google/rpc/status.proto lies."""
    import google.rpc

    return pathlib.Path(next(iter(google.rpc.__path__))).parents[1]


generate()
setup()
