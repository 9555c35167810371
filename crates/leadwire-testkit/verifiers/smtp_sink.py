"""Runs aiosmtpd, which nobody here wrote, and prints each message it accepts as one line of JSON.

The first line of standard input is a JSON object:
  "tls": "none", "starttls" (required before anything else) or "implicit" (from the first byte);
  "chain", "key": files with the certificate chain and its key, unless "tls" is "none";
  "login": [user, password] that must be given, or null;
  "refused": {recipient: whole reply line, "550 5.1.1 No such user"}.
The end of standard input ends the program. The first line of output tells the port.
"""

import asyncio
import json
import os
import ssl
import sys
import threading
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

options = json.loads(sys.stdin.readline())


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in options["refused"]:
            return options["refused"][address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        leaves = [part for part in message.walk() if not part.is_multipart()]
        received = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or options["tls"] == "implicit",
            "login": session.auth_data,
            "headers": [[name.lower(), str(value)] for name, value in message.items()],
            "parts": [{"type": part.get_content_type(), "content": text(part)} for part in leaves],
            "defects": [type(it).__name__ for part in message.walk() for it in part.defects],
            "raw": envelope.content.decode("utf-8", "replace"),
        }
        # Before the answer, so that whoever has the answer can read the message.
        print("message " + json.dumps(received), flush=True)
        return "250 OK"


def text(part):
    content = part.get_content()
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def judge(server, session, envelope, mechanism, given):
    expected = options["login"]
    if not isinstance(given, LoginPassword) or expected is None:
        return AuthResult(success=False, handled=False)
    right = [given.login.decode(), given.password.decode()] == expected
    return AuthResult(success=right, handled=False, auth_data=given.login.decode() if right else None)


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["chain"], options["key"])
    return context


def session():
    starttls = options["tls"] == "starttls"
    return SMTP(
        Sink(),
        hostname="localhost",
        enable_SMTPUTF8=True,
        tls_context=tls_context() if starttls else None,
        require_starttls=starttls,
        authenticator=judge if options["login"] else None,
        auth_required=options["login"] is not None,
        # With TLS from the first byte the protocol does not know that it is encrypted.
        auth_require_tls=starttls,
    )


def end_with_the_starter():
    sys.stdin.read()
    os._exit(0)


async def serve():
    implicit = tls_context() if options["tls"] == "implicit" else None
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=implicit)
    address, port = server.sockets[0].getsockname()
    print(f"listening on {address}:{port}", flush=True)
    await server.serve_forever()


threading.Thread(target=end_with_the_starter, daemon=True).start()
asyncio.run(serve())
