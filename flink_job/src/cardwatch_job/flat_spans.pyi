from collections.abc import Sequence

from cardwatch_contracts.trace_context import TraceContext
from cardwatch_job.records import InputRecord
from cardwatch_job.tracing import Judged

def write_judged(
    judged: Sequence[Judged], subtask: int, start_ns: int, end_ns: int, link: str
) -> list[bytes]: ...
def processing_of(record: InputRecord, context: TraceContext) -> TraceContext: ...
def sending_of(context: TraceContext) -> TraceContext: ...
