"""Makes a peer's Python environment under the build folder.

    python3 benchmarks/peers/setup.py [NAME ...]

compare.py does the same for the peers that it is asked for. An environment is made again when its
requirements change.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import venv

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import rounds  # noqa: E402
from peers.catalog import KINDS, Kind  # noqa: E402


def interpreter(kind: Kind) -> pathlib.Path:
    """The peer's python, installed if need be; an EngineError says why it cannot be."""
    folder = rounds.BUILD / "peers" / kind.name
    python, mark = folder / "bin" / "python", folder / "installed"
    wanted = f"{_digest(kind)} {sys.version}"
    if mark.exists() and mark.read_text() == wanted:
        return python
    rounds.progress(f"{kind.name}: installing from PyPI")
    venv.create(folder, clear=True, with_pip=True)
    log = folder / "install.log"
    with open(log, "w") as out:
        status = subprocess.run(
            [python, "-m", "pip", "install", "--requirement", kind.requirements],
            env=os.environ | kind.building, stdout=out, stderr=subprocess.STDOUT).returncode
    if status:
        errors = [line for line in log.read_text().splitlines() if "ERROR" in line]
        raise rounds.EngineError(f"not installed: {(errors or ['pip failed'])[-1].strip()[:300]}")
    mark.write_text(wanted)
    return python


def _digest(kind: Kind) -> str:
    recipe = kind.requirements.read_bytes() + repr(sorted(kind.building.items())).encode()
    return hashlib.sha256(recipe).hexdigest()


def main():
    for name in sys.argv[1:] or KINDS:
        try:
            print(f"{name}: {interpreter(KINDS[name])}")
        except rounds.EngineError as error:
            print(f"{name}: skipped, {error}")


if __name__ == "__main__":
    main()
