# The worker, and every other command of `listings`.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LISTINGS_WORKER__DATA_DIR=/tmp/worker
WORKDIR /app
RUN useradd --uid 10001 --create-home listings

# The packages first: they change more rarely than the code.
COPY requirements.txt ./
RUN pip install --no-deps --only-binary :all: --require-hashes -r requirements.txt

COPY pyproject.toml ./
COPY app app
COPY connectors connectors
COPY schemas schemas
COPY topics topics
# Whoever may read the checkout, in the image its user may: the copied files keep the modes of the machine they are from.
RUN pip install --no-deps --no-build-isolation -e . && chmod -R a+rX /app

USER listings
ENTRYPOINT ["listings"]
CMD ["worker"]
