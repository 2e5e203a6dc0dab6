"""`polypharmacy serve`"""

from typing import Annotated

import typer


def serve_command(
    host: Annotated[str | None, typer.Option(help="address to listen on (127.0.0.1 unless told)")] = None,
    port: Annotated[
        int | None, typer.Option(help="port; 0 takes any free one (7860 unless told)", min=0, max=65535)
    ] = None,
    database: Annotated[str | None, typer.Option(help="where reviews are kept: a SQLAlchemy URL")] = None,
    json_: Annotated[bool, typer.Option("--json", help="say where it listens as JSON")] = False,
) -> None:
    """Serve the environment, stored reviews and suggestions over HTTP and WebSocket. POLYPHARMACY_... variables set the
    rest.
    """
    import json

    from polypharmacy.patients import InputError

    try:
        from pydantic import ValidationError

        from polypharmacy.server.journal.database import DatabaseProblem
        from polypharmacy.server.journal.journal import Journal
        from polypharmacy.server.run import listen, serve
        from polypharmacy.server.settings import Settings
    except ModuleNotFoundError as missing:
        raise InputError(f"{missing.name} is not installed: pip install 'polypharmacy-env[server]'") from None
    given = {"host": host, "port": port, "database_url": database}
    try:
        settings = Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        row = error.errors(include_input=False)[0]
        raise InputError(f"POLYPHARMACY_{'_'.join(str(p) for p in row['loc']).upper()}: {row['msg']}") from None
    try:
        Journal(settings.database_url).close()
    except DatabaseProblem as error:
        raise InputError(f"POLYPHARMACY_DATABASE_URL: {error}") from None
    try:
        listener = listen(settings)
    except OSError as error:
        raise OSError(f"nobody can listen on {settings.host}:{settings.port}: {error.strerror}") from None
    shown = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.host
    url = f"http://{shown}:{listener.getsockname()[1]}"
    if json_:
        typer.echo(json.dumps({"url": url, "host": settings.host, "port": listener.getsockname()[1]}))
    else:
        typer.echo(f"PolypharmacyEnv is at {url} (what can be called: {url}/docs). Ctrl-C stops it.")
    if settings.host not in ("127.0.0.1", "::1", "localhost") and settings.api_key is None:
        typer.echo(f"Anyone who reaches {settings.host} can use it: set POLYPHARMACY_API_KEY.", err=True)
    serve(settings, listener)
