"""The shim that OpenEnv's tools look for: `uvicorn server.app:app`, or `python -m server.app`."""

from polypharmacy.server.app import build_app
from polypharmacy.server.run import serve

app = build_app()


def main() -> None:
    """Serve as the environment's variables say: see .env.example."""
    serve()


if __name__ == "__main__":
    main()
