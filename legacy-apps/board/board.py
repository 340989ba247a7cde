#!/usr/bin/python3
"""board.py - the departure board of a small station.

Reads an INI file, shows a page, and reads the file again when it gets a SIGHUP.

usage: board.py FILE
"""
import configparser
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

reloads = 0


class Settings:
    def __init__(self, path):
        ini = configparser.ConfigParser(interpolation=None)
        with open(path) as f:
            ini.read_file(f)
        self.station = ini.get('board', 'station')
        self.release = ini.get('board', 'release')
        self.notice = ini.get('board', 'notice', fallback='')
        self.departures = sorted(ini.items('departures')) if ini.has_section('departures') else []
        self.workers = ini.getint('pool', 'workers')
        # Pages are made by workers, so many at a time.
        self.pool = threading.Semaphore(self.workers)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        s = settings
        if self.path == '/status':
            return self.answer(200, 'release: %s\nworkers: %d\nreloads: %d\nstarted: %s\n'
                               % (s.release, s.workers, reloads, started))
        if not s.pool.acquire(timeout=1):
            return self.answer(503, 'All workers are busy. Please try again later.\n')
        try:
            lines = [s.station, '=' * len(s.station)]
            lines += ['%s  %s' % (time_, where.strip()) for time_, where in s.departures]
            if s.notice:
                lines += ['', s.notice]
            lines += ['', 'release = %s' % s.release]
            self.answer(200, '\n'.join(lines) + '\n')
        finally:
            s.pool.release()

    def answer(self, code, text):
        body = text.encode()
        self.send_response(code)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def say(text):
    print('board: ' + text, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


path = sys.argv[1]
started = time.strftime('%H:%M:%S')
settings = Settings(path)
# A signal may reach any thread; the pipe is where the main one hears of it.
hangups, w = os.pipe()
os.set_blocking(w, False)
signal.set_wakeup_fd(w)
signal.signal(signal.SIGHUP, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = Server(('', 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
say('release %s on port 8080' % settings.release)
while True:
    os.read(hangups, 64)
    try:
        settings = Settings(path)
        say('read %s again: release %s' % (path, settings.release))
    except Exception as e:
        say('cannot read %s, going on as before: %s' % (path, e))
    reloads += 1
