"""Makes the golden of the event file: TensorBoard's own records of a run of three steps.

    python events.py [--out ../../../training/src/test/resources/goldens/events.json]

Needs `tensorboard` only (made with 2.21.0).
"""

import argparse
import base64
import io
import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

# Values that a float holds; steps of one, two and five bytes as a varint.
STEPS = [
    (1, 1700000000.25, {"loss": 1.375, "gradient_norm": 0.5}),
    (300, 1700000001.5, {"loss": -0.0625}),
    (2_000_000_000, 1700000002.0, {"loss": 3.0e-5, "größe": 1e30}),
]


def main():
    here = pathlib.Path(__file__).resolve().parent
    resources = here.parents[2] / "training/src/test/resources/goldens"
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=resources / "events.json")
    out = parser.parse_args().out

    stream = io.BytesIO()
    writer = RecordWriter(stream)
    first = event_pb2.Event(wall_time=STEPS[0][1], file_version="brain.Event:2")
    writer.write(first.SerializeToString())
    for step, seconds, values in STEPS:
        summary = summary_pb2.Summary()
        for tag, value in values.items():
            summary.value.add(tag=tag, simple_value=value)
        event = event_pb2.Event(wall_time=seconds, step=step, summary=summary)
        writer.write(event.SerializeToString())
    golden = {
        "steps": [
            {"step": step, "seconds": seconds, "values": values} for step, seconds, values in STEPS
        ],
        "base64": base64.b64encode(stream.getvalue()).decode(),
    }
    out.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
