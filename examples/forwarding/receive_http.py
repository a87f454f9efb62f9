"""Takes batches of CloudEvents over HTTP: python receive_http.py PORT [SIGNING_KEY]. Standard library only."""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(sys.argv[1])
KEY = sys.argv[2] if len(sys.argv) > 2 else None
SEEN: set[tuple[str, str]] = set()


def is_genuine(headers, body: bytes) -> bool:
    """Signed with our key less than five minutes ago (standardwebhooks.com)."""
    if KEY is None:
        return True
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(KEY.removeprefix("whsec_")) if KEY.startswith("whsec_") else KEY.encode()
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers.get("webhook-signature", ""), f"v1,{wanted}")


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        genuine = is_genuine(self.headers, body)
        for event in json.loads(body) if genuine else []:
            if (event["source"], event["id"]) not in SEEN:  # at least once: the same one may come again
                SEEN.add((event["source"], event["id"]))
                print(
                    event["type"],
                    event.get("subject", "-"),
                    json.dumps(event["data"], ensure_ascii=False),
                    flush=True,
                )
        self.send_response(204 if genuine else 401)  # only now: what is answered 2xx is not sent again
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
