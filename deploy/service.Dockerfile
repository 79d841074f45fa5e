# One image per service: docker build -f deploy/service.Dockerfile --build-arg SERVICE=billing -t rcm-billing .
# It holds the shared library and this one service, no other service's code. The target `topics` creates the topics.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS dependencies
COPY deploy/requirements-uv.lock deploy/requirements.lock /locks/
RUN python -m venv /venv \
    && python -m pip install --no-cache-dir --require-hashes --no-deps -r /locks/requirements-uv.lock \
    && uv pip install --no-cache --python /venv/bin/python --require-hashes -r /locks/requirements.lock

FROM ${PYTHON_IMAGE} AS topics
COPY --from=dependencies /venv /venv
COPY shared/rcm_shared /app/rcm_shared
COPY deploy/rcm_deploy/__init__.py /app/rcm_deploy/
COPY deploy/rcm_deploy/engines /app/rcm_deploy/engines
ENV PATH=/venv/bin:${PATH} PYTHONPATH=/app PYTHONUNBUFFERED=1
CMD ["python", "-m", "rcm_deploy.engines.topics", "--replication", "1"]

FROM ${PYTHON_IMAGE} AS service
ARG SERVICE
RUN test -n "${SERVICE}" && useradd --system --uid 10001 --no-create-home rcm
COPY --from=dependencies /venv /venv
COPY shared/rcm_shared /app/rcm_shared
COPY services/${SERVICE}/rcm_${SERVICE} /app/rcm_${SERVICE}
ENV PATH=/venv/bin:${PATH} PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 RCM_SERVICE=${SERVICE}
WORKDIR /app
USER rcm
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=6 CMD \
    python -c "import os, urllib.request as u; s = os.environ['RCM_SERVICE'].upper(); \
u.urlopen('http://127.0.0.1:' + os.environ.get('RCM_' + s + '_HTTP_PORT', '8080') + '/ready', timeout=2)"
CMD ["sh", "-c", "exec python -m rcm_${RCM_SERVICE} serve"]
