# SPDX-License-Identifier: MIT
"""What lives behind the tunnel: a program that runs in a far end's network.

    python -m ground.services DEVICE ADDRESS

Every listener is bound to the tunnel's device, so nothing of this can be seen from
the outer link. Ports:

    80    HTTP: /hello, /who, /page, /gallery, /bytes, /paced, /headers, /hops,
          /chunked, /untold, /socket (a WebSocket that echoes), PUT and POST
          /upload, /picky (refuses what it is told to expect); other methods
          are answered by their name
    7001  half-close: reads to the end, then answers with 1 MiB
    7002  nobody (connections are refused)
    7004  aborts each connection with a reset after the first bytes
    7006  holds thousands of connections and echoes what they say
    53    (127.0.0.1:5353) names whose every UDP answer is truncated
"""

import base64
import hashlib
import http.server
import resource
import selectors
import socket
import socketserver
import struct
import sys
import threading
import time
import urllib.parse

from . import body

HELLO = b"hello from behind the tunnel\n"

# The heading is written by a script that is a second request through the tunnel.
PAGE = b"""<!DOCTYPE html>
<title>behind the tunnel</title>
<body style="background:#264653;color:#e9c46a;font:48px sans-serif">
<h1 id="proof">no script yet</h1>
<script src="/page.js"></script>
"""
PAGE_SCRIPT = b"""
document.getElementById("proof").textContent = "this page exists " + "only inside";
"""


# Everything that a browser fetches by itself, and a WebSocket; then the heading tells.
PICTURES = 80
GALLERY = b"""<!DOCTYPE html>
<title>a gallery</title>
<h1 id="proof"></h1>
<script>
let loaded = 0, echoed = "";
function tell() {
    document.getElementById("proof").textContent = loaded + " pictures, echo: " + echoed;
}
for (let i = 0; i < %d; i++) {
    const picture = new Image();
    picture.onload = () => { loaded++; tell(); };
    picture.src = "/picture.svg?number=" + i;
    document.body.append(picture);
}
const socket = new WebSocket("ws://" + location.host + "/socket");
socket.onopen = () => socket.send("over the tunnel");
socket.onmessage = (message) => { echoed = message.data; tell(); };
</script>
""" % PICTURES
PICTURE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="%d"/></svg>"""


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {k: int(v) for k, v in urllib.parse.parse_qsl(url.query)}
        route = getattr(self, "get_" + url.path.strip("/").replace(".", "_"), None)
        if route is None:
            self.send_error(404)
        else:
            route(**query)

    def get_hello(self):
        self._answer(HELLO, "text/plain")

    def get_who(self):
        self._answer(self.client_address[0].encode() + b"\n", "text/plain")

    def get_page(self):
        self._answer(PAGE, "text/html")

    def get_page_js(self):
        self._answer(PAGE_SCRIPT, "text/javascript")

    def get_gallery(self):
        self._answer(GALLERY, "text/html")

    def get_picture_svg(self, number):
        self._answer(PICTURE % number, "image/svg+xml")

    def get_hops(self):
        """A response with fields that are for the next hop only."""
        self.send_response(200)
        for name, value in (("Connection", "X-Hop, close"), ("X-Hop", "1"), ("Keep-Alive", "timeout=9"),
                            ("Proxy-Connection", "close"), ("X-End", "2"), ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True

    def get_socket(self):
        """RFC 6455; frames of less than 126 bytes are enough here."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept",
                         base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        while len(head := self.rfile.read(6)) == 6:
            data = self.rfile.read(head[1] & 0x7F)
            plain = bytes(b ^ head[2 + i % 4] for i, b in enumerate(data))
            self.wfile.write(bytes([head[0], len(plain)]) + plain)
        self.close_connection = True

    def get_bytes(self, size, seed=0):
        self._begin(size)
        for chunk in body.chunks(size, seed):
            self.wfile.write(chunk)

    def get_paced(self, size, seconds, seed=0):
        """The body spread evenly over so many seconds, a tenth of a second at a time."""
        self._begin(size)
        start, sent = time.monotonic(), 0
        for chunk in body.chunks(size, seed):
            due = start + seconds * sent / size
            time.sleep(max(0, due - time.monotonic()))
            self.wfile.write(chunk)
            sent += len(chunk)

    def get_headers(self):
        """The request as it came in."""
        self._answer(f"{self.requestline}\n{self.headers}".encode(), "text/plain")

    def get_chunked(self, size, seed=0):
        """The body in chunks, and a trailer."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in body.chunks(size, seed):
            self.wfile.write(b"%x;name=value\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\nChecksum: none\r\n\r\n")

    def get_untold(self, size, seed=0):
        """The body without any length: the end of the connection is its end."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in body.chunks(size, seed):
            self.wfile.write(chunk)
        self.close_connection = True

    def _pieces(self):
        """The request's body, with a length or in chunks."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            return
        left = int(self.headers["Content-Length"])
        while left and (piece := self.rfile.read(min(left, body.CHUNK))):
            left -= len(piece)
            yield piece

    def handle_expect_100(self):
        if self.path == "/picky":
            self.send_error(417)
            self.close_connection = True
            return False
        return super().handle_expect_100()

    def do_PUT(self):
        h = hashlib.sha256()
        for piece in self._pieces():
            h.update(piece)
        self._answer(h.hexdigest().encode() + b"\n", "text/plain")

    do_POST = do_PUT

    def _name_method(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(f"{self.requestline}\n".encode(), "text/plain")

    do_DELETE = do_OPTIONS = do_PATCH = do_PROPFIND = do_TRACE = _name_method

    def do_HEAD(self):
        self._begin(len(HELLO), "text/plain")

    def _begin(self, size, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def _answer(self, data, kind):
        self._begin(len(data), kind)
        self.wfile.write(data)

    def log_message(self, form, *arguments):
        pass


def read_to_end(connection):
    h, size = hashlib.sha256(), 0
    while piece := connection.recv(body.CHUNK):
        h.update(piece)
        size += len(piece)
    return f"{size} {h.hexdigest()}\n".encode()


class HalfClose(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(read_to_end(self.request))
        for chunk in body.chunks(body.MIB, seed=7001):
            self.request.sendall(chunk)


class Aborter(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1)
        reset_on_close = struct.pack("ii", 1, 0)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
        self.request.close()


class Crowd(threading.Thread):
    """One thread for all: ten thousand of them would be too many."""

    def __init__(self, listener):
        super().__init__(daemon=True)
        self.waits = selectors.DefaultSelector()
        self.waits.register(listener, selectors.EVENT_READ)
        self.listener = listener

    def run(self):
        while True:
            for key, _ in self.waits.select():
                if key.fileobj is self.listener:
                    self.waits.register(self.listener.accept()[0], selectors.EVENT_READ)
                else:
                    self.echo(key.fileobj)

    def echo(self, s):
        try:
            piece = s.recv(body.CHUNK)
            s.sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            self.waits.unregister(s)
            s.close()


class Listener(socketserver.ThreadingTCPServer):
    """Listens on one port of one device, for both families."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, device, port, handler):
        self.device = device
        super().__init__(("::", port), handler)

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device.encode())
        super().server_bind()

    def shutdown_request(self, request):
        """Close without the shutdown that would turn an abort into a polite end."""
        self.close_request(request)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def truncating_dns_answer(query, whole, address):
    """The A record of any name; the UDP form has only the question and the TC bit."""
    end = query.index(b"\0", 12) + 5
    asked_for_a = query[end - 4 : end - 2] == b"\0\x01"
    answers = 1 if whole and asked_for_a else 0
    flags = 0x8580 | (0 if whole else 0x0200)
    header = query[:2] + struct.pack("!HHHHH", flags, 1, answers, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 30, 4) + socket.inet_aton(address)
    return header + query[12:end] + record * answers


class TruncatingDns(socketserver.BaseRequestHandler):
    address = ""

    def handle(self):
        if isinstance(self.request, tuple):
            query, s = self.request
            answer = truncating_dns_answer(query, False, self.address)
            s.sendto(answer, self.client_address)
            return
        size = struct.unpack("!H", self.request.recv(2, socket.MSG_WAITALL))[0]
        query = self.request.recv(size, socket.MSG_WAITALL)
        answer = truncating_dns_answer(query, True, self.address)
        self.request.sendall(struct.pack("!H", len(answer)) + answer)


def main(device, address):
    TruncatingDns.address = address
    servers = [
        Listener(device, 80, Web),
        Listener(device, 7001, HalfClose),
        Listener(device, 7004, Aborter),
        socketserver.ThreadingUDPServer(("127.0.0.1", 5353), TruncatingDns),
        socketserver.ThreadingTCPServer(("127.0.0.1", 5353), TruncatingDns),
    ]
    # The web server is a plain socketserver listener: its handler wants these names.
    servers[0].server_name, servers[0].server_port = "far", 80
    threads = [threading.Thread(target=s.serve_forever) for s in servers]
    for thread in threads:
        thread.start()
    # The handler is never asked: this listener is the crowd's.
    crowd = Listener(device, 7006, socketserver.BaseRequestHandler)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd(crowd.socket).start()
    print("services are up", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
