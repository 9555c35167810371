"""Checks signed requests with the Python package of Standard Webhooks, which nobody here wrote.

Reads a JSON array of {"secret": ..., "headers": {...}, "body": ...}; answers an array of `ok` or `bad: ...`.
"""

import json
import sys

from standardwebhooks import Webhook


def verdict(request):
    try:
        Webhook(request["secret"]).verify(request["body"], request["headers"])
        return "ok"
    except Exception as error:
        return f"bad: {type(error).__name__}: {error}"


json.dump([verdict(request) for request in json.load(sys.stdin)], sys.stdout)
