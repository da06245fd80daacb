# The CPU image: Gavel, a Java runtime cut to what it needs, and no build tools.
#
#   docker build -t gavel .
#   docker run --rm --read-only -v /path/to/model:/models:ro -p 8980:8980 gavel
#
# LIBTORCH=yes keeps LibTorch and OpenBLAS (430 MB). Serving on a CPU does not use them; training
# and the ceilings of `bench` do.
#
# CUDA=yes adds the kernels for CUDA devices, and BASE then is NVIDIA's runtime base; LibTorch with CUDA
# is mounted (docs/operations.md):
#
#   docker build --build-arg CUDA=yes --build-arg BASE=nvidia/cuda:13.0.1-base-ubuntu24.04 -t gavel-cuda .
ARG DEBIAN=bookworm-slim
ARG BASE=debian:${DEBIAN}

FROM debian:${DEBIAN} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      openjdk-17-jdk-headless maven g++ cmake make binutils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN ./gavel build
ARG CUDA=no
RUN if [ "$CUDA" = yes ]; then \
      apt-get update && apt-get install -y --no-install-recommends python3-venv \
      && ./gavel build --cuda; \
    fi
ARG LIBTORCH=no
# jdeps finds more modules, for parts of libraries that are not used; these are enough for every
# command. The class archive is made again, by the runtime that will read it, where it will be read.
RUN cp -a .gavel/dist /opt/gavel \
 && rm -f /opt/gavel/lib/classes.* \
 && if [ "$LIBTORCH" != yes ]; then \
      rm -f /opt/gavel/native/libtorch_cpu.so /opt/gavel/native/libc10.so \
        /opt/gavel/native/libjnitorch.so /opt/gavel/native/libjnitorch_gloo.so \
        /opt/gavel/native/libtorch.so \
        /opt/gavel/native/libopenblas.so.0 /opt/gavel/native/libgfortran.so.5 \
        /opt/gavel/native/libquadmath.so.0 /opt/gavel/native/libgomp.so.1; \
    fi \
 && "$(dirname "$(readlink -f "$(command -v javac)")")/jlink" \
      --add-modules java.base,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.unsupported,jdk.zipfs \
      --strip-debug --no-header-files --no-man-pages --compress=2 --output /opt/gavel/jre \
 && /opt/gavel/jre/bin/java -Xshare:dump \
 && /opt/gavel/bin/gavel archive-classes

FROM ${BASE}
LABEL org.opencontainers.image.title="Gavel" \
      org.opencontainers.image.description="Label-first LLM relevance judgments over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /opt/gavel /opt/gavel
COPY models/gavel-small /opt/gavel/models/gavel-small
RUN mkdir -p /run/gavel /models && chown 10001:10001 /run/gavel
# A number, so that a cluster can verify that it is not root.
USER 10001:10001
ENV LC_ALL=C.UTF-8 HOME=/tmp PATH=/opt/gavel/bin:$PATH
VOLUME ["/run/gavel", "/models"]
EXPOSE 8980
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["/opt/gavel/bin/gavel", "health", "--target", "unix:/run/gavel/gavel.sock"]
ENTRYPOINT ["/opt/gavel/bin/gavel"]
CMD ["serve", "--model", "/models", "--uds", "/run/gavel/gavel.sock", "--listen", "0.0.0.0:8980"]
