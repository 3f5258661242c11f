#!/usr/bin/python3
"""A mail server on a loopback port that the kernel chooses: keeps every mail as a file, or fails on demand.

mail_sink.py FOLDER [--user NAME --password WORD] [--tls CERTIFICATE KEY]

FOLDER/port appears once it listens; the n-th mail is FOLDER/n.eml, with its envelope in front. FOLDER/answer is read
for each mail and may contain: 451 or 550 (refuses), drop (hangs up, keeps nothing), lost (keeps the mail, and hangs up
before the answer).
"""
import argparse
import asyncio
import pathlib
import signal
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

REFUSALS = {"451": "451 4.3.0 try again later", "550": "550 5.1.1 no such mailbox"}


class Sink:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def keep(self, session, envelope):
        self.count += 1
        lines = [f"X-Envelope-From: {envelope.mail_from}"]
        lines += [f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos]
        lines.append(f"X-Envelope-TLS: {'yes' if session.ssl else 'no'}")
        lines.append(f"X-Envelope-User: {session.auth_data or ''}")
        fresh = self.folder / f"{self.count}.new"
        fresh.write_bytes("\r\n".join(lines).encode() + b"\r\n" + envelope.original_content)
        fresh.rename(self.folder / f"{self.count}.eml")

    async def handle_DATA(self, server, session, envelope):
        order = self.folder / "answer"
        answer = order.read_text().strip() if order.exists() else ""
        if answer in REFUSALS:
            return REFUSALS[answer]
        if answer != "drop":
            self.keep(session, envelope)
        if answer in ("drop", "lost"):
            server.transport.abort()
        return "250 2.0.0 kept"


async def serve(options):
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*options.tls)

    def authenticate(_server, _session, _envelope, _mechanism, data):
        right = (data.login, data.password) == (options.user.encode(), options.password.encode())
        return AuthResult(success=right, handled=False, auth_data=options.user if right else None)

    sink = Sink(options.folder)
    settings = {"hostname": "localhost", "tls_context": context, "require_starttls": context is not None}
    if options.user:
        settings |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": context is not None}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, loop=loop, **settings), "127.0.0.1", 0)
    port = options.folder / "port.new"
    port.write_text(str(server.sockets[0].getsockname()[1]))
    port.rename(options.folder / "port")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--user", default="")
parser.add_argument("--password", default="")
parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
asyncio.run(serve(parser.parse_args()))
