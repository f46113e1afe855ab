# The exporter in Debian 12; docs/containers.md says how to run it.
#
#   docker build --pull --build-arg REVISION="$(git rev-parse --short=12 HEAD)" -t radar_spoof_exporter:0.1.0 .
#   docker build --pull --build-arg REVISION="$(git rev-parse --short=12 HEAD)" --target simulator -t radar_simulator:0.1.0 .

# docs/containers.md says how to pin it to a digest.
ARG DEBIAN=docker.io/library/debian:12-slim

FROM ${DEBIAN} AS build
WORKDIR /src
# The packages first: they change less often than the sources.
COPY scripts/install-deps scripts/
RUN scripts/install-deps build
COPY . .
RUN cmake --preset release -D RADAR_SPOOF_TESTS=OFF && cmake --build --preset release
# One file is compiled again, and not everything, where only the revision is another.
ARG REVISION=unknown
RUN cmake --preset release -D RADAR_SPOOF_REVISION="$REVISION" \
 && cmake --build --preset release \
 && install -D -s -t /tree/usr/bin build/release/bin/radar_spoof_exporter build/release/bin/radar_simulator

# What both programs are linked with; a test compares this list with the programs.
FROM ${DEBIAN} AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates \
      libc6 \
      libcrypt1 \
      libcurl4 \
      libfmt9 \
      libgcc-s1 \
      libgnutls30 \
      libmicrohttpd12 \
      libprometheus-cpp-core1.0 \
      libspdlog1.10 \
      libssl3 \
      libstdc++6 \
      libyaml-cpp0.7 \
      zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 65532 -g 65532 -m 0700 /var/lib/radar_spoof_exporter
COPY LICENSE /usr/share/doc/radar_spoof_exporter/

FROM runtime AS simulator
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /tree/usr/bin/radar_simulator /usr/bin/
USER 65532:65532
ENTRYPOINT ["/usr/bin/radar_simulator"]

FROM runtime AS exporter
ARG REVISION=unknown
LABEL org.opencontainers.image.title="radar_spoof_exporter" \
      org.opencontainers.image.description="Prometheus exporter for Cloudflare Radar's email spoof classification" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:12-slim"
COPY --from=build /tree/usr/bin/radar_spoof_exporter /usr/bin/
COPY scripts/container-health /usr/libexec/radar_spoof_exporter/health
# A file named api-token there is the API token; Docker and Podman mount a secret of that name so.
ENV CREDENTIALS_DIRECTORY=/run/secrets
USER 65532:65532
EXPOSE 10766
# With TLS it cannot tell: replace it, or start with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/libexec/radar_spoof_exporter/health"]
ENTRYPOINT ["/usr/bin/radar_spoof_exporter"]
CMD ["--config.file=/etc/radar_spoof_exporter/config.yaml", "--storage.path=/var/lib/radar_spoof_exporter"]
