# The image of the service: one static binary, run as nobody.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev REVISION=unknown CREATED=unknown
RUN CGO_ENABLED=0 GOTOOLCHAIN=local GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$REVISION -X main.date=$CREATED" -o /integration ./cmd/integration

FROM scratch
ARG VERSION=dev REVISION CREATED SOURCE
LABEL org.opencontainers.image.title="workspace-flyte-integration" \
      org.opencontainers.image.description="Turns signed workspace events into ready Kubernetes namespaces and Flyte projects" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /integration /integration
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["/integration"]
