"""Checks signed requests with the Python package of Standard Webhooks, which nobody here wrote.

Reads one JSON object per line, {"secret": ..., "headers": {...}, "body": ...}; answers `ok` or `bad: ...` per line.
"""

import json
import sys

from standardwebhooks import Webhook


def verdict(line):
    try:
        request = json.loads(line)
        Webhook(request["secret"]).verify(request["body"], request["headers"])
        return "ok"
    except Exception as error:
        return f"bad: {type(error).__name__}: {error}".replace("\n", " ")


sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
for line in sys.stdin:
    if line.strip():
        print(verdict(line), flush=True)
