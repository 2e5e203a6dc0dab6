"""Every call of the OpenAPI document, with what a fuzzer thinks of: answered, and as the document says."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.server.conftest import Server

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
SPLITS = ("train", "validation", "test", "unseen_drugs", None)
EXAMPLES = 10


def test_every_call_is_answered_as_the_document_says(server: Server) -> None:
    """Valid and invalid requests to every operation."""
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    called = set()
    for found in document.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        called.add(f"{operation.method.upper()} {operation.path}")
        for mode in schemathesis.GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            def call(case: Any) -> None:
                _keep_to_compiled_cases(case)
                case.call_and_validate(checks=CHECKS, timeout=60)

            try:
                call()
            except Unsatisfiable:  # a call without parameters cannot be made wrongly
                assert mode is schemathesis.GenerationMode.NEGATIVE
    assert {"POST /reset", "POST /step", "GET /state", "POST /mcp", "POST /{env_name}/task"} <= called


def _keep_to_compiled_cases(case: Any) -> None:
    """What would be played plays one of the first sixteen test cases: others would be compiled first."""
    if case.path == "/runs" and isinstance(case.body, dict) and case.body.get("split") in SPLITS:
        case.body = {**case.body, "split": "test", "index": 3, "agent": "heuristic"}
    if case.path not in ("/reset", "/reviews") or case.method.upper() != "POST":
        return
    if isinstance(case.body, dict) and case.body.get("patient") is None and case.body.get("split") in SPLITS:
        case.body = {**case.body, "split": "test", "index": 3}
    elif not isinstance(case.body, dict | list | str | int | float):
        case.body = {"split": "test", "index": 1}
