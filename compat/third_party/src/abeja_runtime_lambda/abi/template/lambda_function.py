"""An AWS Lambda function behind an HTTP API."""

import json


def lambda_handler(event, context):
    """Greet whom the request names; the event is of payload format 2.0."""
    person = json.loads(event["body"])
    print("greeting", person["name"])  # goes to the log
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"greeting": "Hello, {}!".format(person["name"])}),
    }
