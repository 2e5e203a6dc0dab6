"""The workbench: the built page, its files, and every address that it answers itself."""

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse
from starlette.responses import Response

UI = Path(__file__).parents[2] / "ui"
"""The built page, committed and shipped; its source is /frontend."""
ADDRESSES = ("/", "/review/{review_id}", "/review/{review_id}/patient", "/run", "/mined")
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the component library writes its variables into a style element
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FILE = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

router = APIRouter(include_in_schema=False)


def page(request: Request) -> Response:
    """The page; what it shows follows from its address."""
    return FileResponse(_folder(request) / "index.html", headers=_PAGE)


for _address in ADDRESSES:
    router.add_api_route(_address, page, methods=["GET", "HEAD"])


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
def asset(request: Request, name: str) -> Response:
    """A file of the page. Names carry a hash of the content, but for the icon."""
    files = {file.name: file for file in (_folder(request) / "assets").glob("*")}
    if name not in files:
        raise HTTPException(404, "there is no such file: load the page again")
    return FileResponse(files[name], headers=_FILE)


def _folder(request: Request) -> Path:
    folder: Path | None = request.app.state.settings.ui
    return folder or UI


def is_page(path: str) -> bool:
    """Whether a path is one of the page's own: it holds nobody's data, so it is shown without a key."""
    return path in ADDRESSES or path.startswith(("/review/", "/assets/"))
