"""The Java that Kafka and Spark run on."""

import os
import re
import subprocess
from pathlib import Path
from shutil import which

from marquee_infra.errors import PlatformError

OLDEST = 17
INSTALL = (
    "Type `make setup`, or install it by hand: sudo apt-get install -y openjdk-17-jre-headless"
    " (Debian 13: openjdk-21-jre-headless)"
)


def java() -> str:
    """The path of a Java >= 17: `$JAVA_HOME/bin/java`, else the one on PATH.

    Raises PlatformError when there is none.
    """
    home = os.environ.get("JAVA_HOME")
    program = which(str(Path(home) / "bin" / "java") if home else "java")
    if program is None:
        where = f"in JAVA_HOME ({home})" if home else "on this machine"
        raise PlatformError(f"There is no Java {where}.", INSTALL)
    shown = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    major = re.search(r'version "(\d+)', shown.stderr)
    if major is None or int(major[1]) < OLDEST:
        raise PlatformError(f"{program} is too old: Marquee needs Java {OLDEST}.", INSTALL)
    return program
