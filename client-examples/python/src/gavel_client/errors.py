"""One exception for every failed call, with the details that the server sent."""

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class GavelError(Exception):
    """A call failed.

    code:        grpc.StatusCode
    reason:      the server's stable reason (ErrorInfo.reason), or ""
    retry_after: seconds after which the server asks to come back, or None
    violations:  {field: what is wrong with it}, for INVALID_ARGUMENT
    """

    def __init__(self, error: grpc.RpcError):
        self.code: grpc.StatusCode = error.code()
        self.reason = ""
        self.retry_after: float | None = None
        self.violations: dict[str, str] = {}
        super().__init__(f"{self.code.name}: {error.details()}")
        self._read_details(error)

    def _read_details(self, error: grpc.RpcError):
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info = error_details_pb2.ErrorInfo()
            retry = error_details_pb2.RetryInfo()
            bad_request = error_details_pb2.BadRequest()
            if detail.Unpack(info):
                self.reason = info.reason
            elif detail.Unpack(retry):
                self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
            elif detail.Unpack(bad_request):
                self.violations = {v.field: v.description for v in bad_request.field_violations}
