"""The page on a Hugging Face Space and at home: `python app.py`."""

import sys

from t5gemma_app.settings import Settings, quiet_libraries

quiet_libraries()

from t5gemma_app.errors import WorkbenchError  # noqa: E402 - the libraries read their switches when imported
from t5gemma_app.logs import configure_logging  # noqa: E402
from t5gemma_app.services import build_services  # noqa: E402
from t5gemma_app.ui.app import serve  # noqa: E402

if __name__ == "__main__":
    try:
        settings = Settings.from_environ()
        configure_logging(settings.log_level)
        serve(build_services(settings))
    except WorkbenchError as error:
        sys.exit(str(error))
