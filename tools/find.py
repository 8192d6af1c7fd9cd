"""Where the program and Python's packages are."""
import importlib.util
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEBIAN = "/usr/bin/python3"  # sees Debian's packages, and may not be the first on PATH


def program():
    """$MULTIDISTRAL, or the one built or installed with these tools, or one on PATH; None: there is none."""
    candidates = (os.environ.get("MULTIDISTRAL"), f"{ROOT}/build/multidistral", f"{ROOT}/../../bin/multidistral", shutil.which("multidistral"))
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


def packages(tool, *names):
    """Begins the tool again in Debian's interpreter where this one lacks a package; ends it if that one does too."""
    missing = [name for name in names if not importlib.util.find_spec(name)]
    if missing and os.path.exists(DEBIAN) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])
    if missing:
        print(f"tools/{tool}: no {', '.join(missing)} for Python; tools/setup installs what is missing", file=sys.stderr)
        sys.exit(2)
