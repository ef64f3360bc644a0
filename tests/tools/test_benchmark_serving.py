"""The load that the benchmark puts on a server, and what it makes of the times."""

import http.server
import threading

import pytest

from tools.benchmark import serving


def test_clients_ask_as_long_as_they_should_and_see_errors():
    asked = []

    class Stub(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = b'{"predictions": [{"b64": ""}]}' if len(asked) % 2 else b'{"error": "no"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = serving.load(server.server_port, clients=3, seconds=0.3, body=serving.body_of(4))
        server.shutdown()
    assert len(made["took"]) == len(asked) > 6 and 0.3 <= made["seconds"] < 5
    assert len(made["errors"]) == len(asked) // 2 and set(made["errors"]) == {'{"error": "no"}'}
    assert set(asked) == {b'{"signature_name": "generate_png", "instances": [[0.1, 0.1, 0.1, 0.1]]}'}


def test_a_row_holds_the_median_and_the_slowest_hundredth():
    parts = [{"took": [0.001] * 98 + [0.5, 1.0], "errors": ["no"], "seconds": s} for s in (1.0, 2.0, 4.0)]
    row = serving.row("batched", 8, parts)
    assert row["p50_ms"] == pytest.approx(1) and row["p99_ms"] == pytest.approx(1000)
    assert (row["requests"], row["errors"], row["images_per_second"]) == (300, 3, 50)
