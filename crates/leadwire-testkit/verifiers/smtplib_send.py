"""Sends one message by Python's smtplib, which nobody here wrote, and tells what the server answered.

Reads {"host", "port", "tls": "none"|"starttls"|"implicit", "authority": PEM file or null, "login": [user, password] or
null, "from", "to": [...], "subject", "text"}; answers {"refused": {recipient: [code, text]}}, or
{"error": [code, text]} when the server would have none of it.
"""

import json
import smtplib
import ssl
import sys
from email.message import EmailMessage

request = json.load(sys.stdin)
context = ssl.create_default_context(cafile=request["authority"])
message = EmailMessage()
message["From"] = request["from"]
message["To"] = ", ".join(request["to"])
message["Subject"] = request["subject"]
message.set_content(request["text"])


def connect():
    if request["tls"] == "implicit":
        return smtplib.SMTP_SSL(request["host"], request["port"], context=context)
    client = smtplib.SMTP(request["host"], request["port"])
    if request["tls"] == "starttls":
        client.starttls(context=context)
    return client


try:
    with connect() as client:
        if request["login"]:
            client.login(*request["login"])
        refused = client.send_message(message)
    answer = {"refused": {to: [code, text.decode()] for to, (code, text) in refused.items()}}
except smtplib.SMTPRecipientsRefused as error:
    answer = {"refused": {to: [code, text.decode()] for to, (code, text) in error.recipients.items()}}
except smtplib.SMTPResponseException as error:
    answer = {"error": [error.smtp_code, error.smtp_error.decode()]}
json.dump(answer, sys.stdout)
