# One static binary in an empty image: no shell, no package manager, not root.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/dswatch ./cmd/dswatch \
 && mkdir -p /out/var/lib/dswatch /out/var/lib/dswatch-open

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build --chown=65532:65532 /out/var/lib/dswatch /var/lib/dswatch
COPY --from=build --chown=65532:65532 /out/var/lib/dswatch-open /var/lib/dswatch-open
COPY --from=build /out/dswatch /dswatch
USER 65532:65532
VOLUME /var/lib/dswatch /var/lib/dswatch-open
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/dswatch", "status", "-c", "/etc/dswatch/dswatch.yaml"]
ENTRYPOINT ["/dswatch"]
CMD ["run", "-c", "/etc/dswatch/dswatch.yaml"]
