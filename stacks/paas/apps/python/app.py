"""An application for Python: one page, by a package from the house's index."""

import bottle

VERSION = "Version 1"


@bottle.get("/healthz")
def healthz():
    return "ok\n"


@bottle.get("/")
def page():
    return f"<!doctype html>\n<title>{VERSION}</title>\n<h1>{VERSION}</h1>\n<p>Python and bottle {bottle.__version__}\n"


if __name__ == "__main__":
    bottle.run(host="0.0.0.0", port=3000, quiet=True)
