# The image of `doorstep serve`: one binary, the shipped policies, no shell needed and not root.
#
#   docker build -t doorstep .
#   docker run -p 8080:8080 -v doorstep:/var/lib/doorstep \
#     -e DOORSTEP__PRELUDE__APP_ID=… -e DOORSTEP__KEYS__ENCRYPTION_KEY=… doorstep

# The compiler and C library of this image are all that a build needs (docs/decisions/0001-language-and-crates.md).
FROM rust:1.95.0-slim-bookworm AS builder
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    scripts/release && \
    install -D target/release/doorstep /out/doorstep

FROM debian:bookworm-slim
# Prelude's certificates are judged by the system's authorities; their newest list is the right one.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --user-group --home-dir /var/lib/doorstep --shell /usr/sbin/nologin doorstep && \
    install --directory --owner=doorstep --group=doorstep --mode=0700 /var/lib/doorstep
COPY --from=builder /out/doorstep /usr/local/bin/doorstep
COPY policies /etc/doorstep/policies
COPY ops/container/doorstep.toml /etc/doorstep/doorstep.toml
# The server, its health check and every command in a container read this file. No option is set by a variable here: it would go
# over the file that somebody mounts in its place.
ENV DOORSTEP_CONFIG=/etc/doorstep/doorstep.toml
USER 10001:10001
WORKDIR /var/lib/doorstep
VOLUME /var/lib/doorstep
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["doorstep", "doctor", "--live"]
ENTRYPOINT ["doorstep"]
CMD ["serve"]
