#!/usr/bin/python3
"""Monthly reports for the branch offices.

    reports.py serve           answer on 127.0.0.1:8000
    reports.py total MONTH     add up a month; exit code 3 when there is no such month

Reports are text files, MONTH.txt, a line an entry: amount, tab, what for. The
offices' printers are slow: /reports/MONTH?pace=0.2 sends a line each 0.2 s.
When told to stop, the server prints to its end what it has begun.
"""
import html
import http.server
import os
import re
import signal
import sys
import threading
import time
import urllib.parse

FOLDER = os.environ.get('REPORTS', '/var/lib/reports')
PORT = 8000


def months():
    return sorted(name[:-4] for name in os.listdir(FOLDER) if name.endswith('.txt'))


def entries(month):
    with open(os.path.join(FOLDER, month + '.txt'), encoding='utf-8') as lines:
        for line in lines:
            amount, text = line.rstrip('\n').split('\t', 1)
            yield int(amount), text


class Handler(http.server.BaseHTTPRequestHandler):
    server_version = 'reports/1.3'
    timeout = 60

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == '/':
            return self.index()
        found = re.fullmatch(r'/reports/([a-z]+)', url.path)
        if not found or found.group(1) not in months():
            return self.send_error(404)
        query = urllib.parse.parse_qs(url.query)
        try:
            pace = min(max(float(query.get('pace', ['0'])[0]), 0), 5)
        except ValueError:
            return self.send_error(400)
        self.report(found.group(1), pace)

    def index(self):
        items = ''.join('<li><a href="/reports/%s">%s</a></li>' % (m, html.escape(m)) for m in months())
        self.answer('text/html', ['<title>Reports</title><h1>Reports</h1><ul>%s</ul>\n' % items])

    def report(self, month, pace):
        def lines():
            total = 0
            for amount, text in entries(month):
                total += amount
                yield '%10d  %s\n' % (amount, text)
                time.sleep(pace)
            yield '%10d  total of %s\n' % (total, month)
        self.answer('text/plain', lines())

    def answer(self, kind, parts):
        self.send_response(200)
        self.send_header('Content-Type', kind + '; charset=utf-8')
        self.end_headers()
        for part in parts:
            self.wfile.write(part.encode())

    def log_message(self, text, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # what has begun is printed to its end
    request_queue_size = 128


def serve():
    server = Server(('127.0.0.1', PORT), Handler)

    def stop(*_):
        print('told to stop; printing to the end what has begun', flush=True)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print('reports on 127.0.0.1:%d: %s' % (PORT, ', '.join(months())), flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()  # closes the port, then waits for the printing threads
    print('stopped', flush=True)


def total(month):
    if month not in months():
        print('there is no report of %s' % month, file=sys.stderr)
        sys.exit(3)
    print(sum(amount for amount, _ in entries(month)))


if sys.argv[1:] == ['serve']:
    serve()
elif sys.argv[1:2] == ['total'] and len(sys.argv) == 3:
    total(sys.argv[2])
else:
    sys.exit(__doc__)
