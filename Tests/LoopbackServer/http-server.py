"""A web server on a free port of the loopback that behaves as its paths say. Prints the port, then a
line for each request. Ends when its standard input does.

    /DIR/NAME             the file NAME of the directory given as argument, with ETag and Last-Modified
    /plain/NAME           the same without either
    /dated/NAME           the same with Last-Modified alone
    /gzipped/NAME         the same compressed for the way, whatever is asked for
    /redirect/N/PATH      N redirects, then PATH
    /loop                 redirects to itself by way of /loop2
    /elsewhere            redirects to what is no http address
    /flaky/N/PATH         N answers of 503, then PATH; counted for each N and PATH
    /status/CODE          that status
    /short                announces 1,000 bytes and sends 10
    /endless              a body without end
    /slow                 a byte now and then
    /silent               no answer
    /garbage              no HTTP
    /secret/PATH          asks for user "u" and password "p w"
    http://HOST/PATH      as a proxy: says what it was asked for
"""

import base64
import email.utils
import gzip
import hashlib
import http.server
import os
import socketserver
import ssl
import sys
import threading
import time

root = sys.argv[1]
certificate = sys.argv[2] if len(sys.argv) > 2 else None
counts = {}
ended = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def note(self, what):
        sys.stdout.write(what + "\n")
        sys.stdout.flush()

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if code != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if code != 304:
            self.wfile.write(body)

    def file(self, name, validators=True):
        path = os.path.join(root, name)
        if not os.path.isfile(path):
            self.note("404 " + self.path)
            return self.answer(404, b"no such file")
        with open(path, "rb") as file:
            body = file.read()
        if not validators:
            self.note("200 " + self.path)
            return self.answer(200, body)
        if validators == "dated":
            date = email.utils.formatdate(int(os.stat(path).st_mtime), usegmt=True)
            if self.headers.get("If-Modified-Since") == date:
                self.note("304 " + self.path)
                return self.answer(304, Last_Modified=date)
            self.note("200 " + self.path)
            return self.answer(200, body, Last_Modified=date)
        etag = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
        date = email.utils.formatdate(int(os.stat(path).st_mtime), usegmt=True)
        if self.headers.get("If-None-Match") == etag:
            self.note("304 " + self.path)
            return self.answer(304, ETag=etag)
        self.note("200 " + self.path)
        self.answer(200, body, ETag=etag, Last_Modified=date)

    def do_GET(self):
        if self.path.startswith("http://"):
            self.note("proxy " + self.path)
            return self.answer(200, b"by proxy: " + self.path.encode())
        self.serve(self.path.split("?")[0].lstrip("/"))

    def serve(self, path):
        first, _, rest = path.partition("/")
        if first == "plain":
            return self.file(rest, validators=False)
        if first == "dated":
            return self.file(rest, validators="dated")
        if first == "gzipped":
            with open(os.path.join(root, rest), "rb") as file:
                body = gzip.compress(file.read())
            self.note("200 %s %s" % (self.path, self.headers.get("Accept-Encoding")))
            return self.answer(200, body, Content_Encoding="gzip")
        if first == "redirect":
            count, _, target = rest.partition("/")
            left = int(count)
            to = "/redirect/%d/%s" % (left - 1, target) if left > 1 else "/" + target
            return self.answer(302, Location=to)
        if first in ("loop", "loop2"):
            return self.answer(302, Location="/loop2" if first == "loop" else "/loop")
        if first == "elsewhere":
            return self.answer(302, Location="file:///etc/passwd")
        if first == "flaky":
            count, _, target = rest.partition("/")
            counts[rest] = counts.get(rest, 0) + 1
            if counts[rest] <= int(count):
                self.note("503 " + self.path)
                return self.answer(503)
            return self.serve(target)
        if first == "status":
            self.note(rest + " " + self.path)
            return self.answer(int(rest))
        if first == "short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"0123456789")
            self.wfile.flush()
            self.close_connection = True
            return None
        if first == "endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            while not ended.is_set():
                self.wfile.write(block)
            return None
        if first == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not ended.is_set():
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
            return None
        if first == "silent":
            ended.wait()
            return None
        if first == "garbage":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            self.close_connection = True
            return None
        if first == "secret":
            wanted = "Basic " + base64.b64encode(b"u:p w").decode()
            if self.headers.get("Authorization") != wanted:
                return self.answer(401, WWW_Authenticate="Basic")
            return self.serve(rest)
        return self.file(path)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    address_family = __import__("socket").AF_INET

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
ended.set()
server.shutdown()
