"""Loads the parameters of a linear model once, when it is imported, and applies them to each request."""

import http
import json
import os

# Set for every handler; without a value of your own, it is the folder abejainc_training_result beside this file.
RESULT_DIR = os.environ["ABEJA_TRAINING_RESULT_DIR"]

with open(os.path.join(RESULT_DIR, "parameters.json")) as file:
    PARAMETERS = json.load(file)


def handler(request, context):
    """Answer the model's estimate for the features in the request's body."""
    features = json.load(request)
    estimate = PARAMETERS["bias"] + sum(
        weight * features[name] for name, weight in sorted(PARAMETERS["weights"].items())
    )
    return {
        "status_code": http.HTTPStatus.OK,
        "content_type": "application/json",
        "content": {"estimate": estimate},
    }
