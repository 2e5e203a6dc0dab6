FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/polypharmacy
# What the package needs, without the package: a layer that a change of the code does not build anew.
COPY pyproject.toml constraints.txt ./
RUN mkdir -p src/polypharmacy \
    && touch README.md LICENSE \
    && echo '__version__ = "0"' > src/polypharmacy/__init__.py \
    && /opt/polypharmacy/bin/python -m pip install -c constraints.txt '.[server,postgres]'
COPY README.md LICENSE ./
COPY src src
RUN /opt/polypharmacy/bin/python -m pip install --no-deps --force-reinstall .

FROM python:3.11-slim-bookworm
# Hugging Face runs a Space as user 1000; so does everybody else.
RUN useradd --uid 1000 --create-home polypharmacy \
    && install -d -o polypharmacy -g polypharmacy /data /opt/cache
COPY --from=build /opt/polypharmacy /opt/polypharmacy
COPY inference.py openenv.yaml /app/
WORKDIR /app
ENV PATH=/opt/polypharmacy/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/opt/cache \
    POLYPHARMACY_HOST=0.0.0.0 \
    POLYPHARMACY_PORT=7860 \
    POLYPHARMACY_DATABASE_URL=sqlite:////data/reviews.sqlite
USER 1000
# The knowledge base parsed and the cases compiled that are drawn from, so that the first episode is not waited for.
RUN python -c "from polypharmacy.env.bank import load_bank; \
    [load_bank(task, 'train', 256) for task in ('easy_screening', 'budgeted_screening', 'complex_tradeoff')]"
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['POLYPHARMACY_PORT'] + '/health', timeout=4)"]
CMD ["polypharmacy", "serve"]
