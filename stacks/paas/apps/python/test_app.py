import unittest

import app


class Page(unittest.TestCase):
    def test_it_shows_its_version(self):
        self.assertIn(f"<h1>{app.VERSION}</h1>", app.page())
