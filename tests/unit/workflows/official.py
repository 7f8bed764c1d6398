"""Where the specification's own files are: `CTK=path`, else beside this repository; tests on them skip where they are absent."""

import os
from pathlib import Path

OWS = Path(os.environ.get("CTK") or Path(__file__).parents[4] / "shared" / "data" / "ows")
