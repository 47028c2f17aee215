# layerscope in an image of its own; integrations/image/budget.toml says what it may weigh.
#   docker build -t layerscope .
#   docker run --rm -v "$PWD:/work" layerscope report app.tar
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
COPY . /src
RUN python3 -m venv /pip \
 && python3 -m venv --without-pip /opt/layerscope \
 && /pip/bin/pip --python /opt/layerscope/bin/python install --no-cache-dir --no-compile /src

FROM ${PYTHON}
COPY --from=build /opt/layerscope /opt/layerscope
# Its user has no home folder to keep a cache in.
ENV PATH=/opt/layerscope/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LAYERSCOPE_CACHE_SIZE=0
WORKDIR /work
USER 65534:65534
ENTRYPOINT ["layerscope"]
