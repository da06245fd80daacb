"""A rehearsal runs where there is no Java, no Maven and, as far as this machine allows it, no network."""

import os
import pathlib
import shutil
import subprocess
import sys

HIDDEN = ("java", "javac", "jlink", "mvn")
VARIABLE = "GAVEL_CHECK_ENCLOSED"
UNSHARE = ("unshare", "--net", "--map-root-user")


def enclose(folder: pathlib.Path):
    """Starts this program anew with them hidden; returns in the new one."""
    if VARIABLE in os.environ:
        return
    path = folder / "path"
    path.mkdir(exist_ok=True)
    for link in path.iterdir():
        link.unlink()
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        for program in pathlib.Path(directory).iterdir() if directory and os.path.isdir(directory) else ():
            if not program.name.startswith(HIDDEN) and not os.path.lexists(path / program.name):
                (path / program.name).symlink_to(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAVA_", "GAVEL_JAVA"))}
    environment |= {"PATH": str(path), VARIABLE: "1"}
    may_unshare = False
    if shutil.which(UNSHARE[0]):
        may_unshare = subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0
    network = "and without network" if may_unshare else "(the network stays)"
    print(f"rehearsal without Java and Maven {network}", flush=True)
    command = [*(UNSHARE if may_unshare else ()), sys.executable, *sys.argv]
    os.execvpe(command[0], command, environment)
