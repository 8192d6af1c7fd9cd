"""Where the program is: what plot's companions call."""
import os
import shutil

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def program():
    """$MULTIDISTRAL, or the one built or installed with these tools, or one on PATH; None: there is none."""
    candidates = (os.environ.get("MULTIDISTRAL"), f"{ROOT}/build/multidistral", f"{ROOT}/../../bin/multidistral", shutil.which("multidistral"))
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)
