"""Django with routes for the forbidden paths, under the server of Python's library."""
import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path, re_path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], APPEND_SLASH=False)


def forbidden(name):
    return lambda request, *rest: HttpResponse("forbidden " + name)


urlpatterns = [
    *(
        route
        for name in ("admin", "büro", "a b", "x:y@z")
        for route in (path(name, forbidden("/" + name)), re_path("^" + name + "/", forbidden("/" + name)))
    ),
    path("new", forbidden("/new")),
    re_path("", lambda request: HttpResponse("open")),
]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = Server(("", int(sys.argv[1])), Handler)
server.set_app(get_wsgi_application())
server.serve_forever()
