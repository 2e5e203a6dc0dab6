"""Writes the server's OpenAPI to standard output: what the page's client is generated from."""

import json
import sys

from polypharmacy.server.app import build_app

json.dump(build_app().openapi(), sys.stdout, indent=1, sort_keys=True)
