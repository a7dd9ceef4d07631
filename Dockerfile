# The same image as `make image` builds: one static binary, user names, roots, /tmp, run as nobody.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev REVISION=unknown CREATED=unknown
RUN CGO_ENABLED=0 GOTOOLCHAIN=local GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$REVISION -X main.date=$CREATED" \
    -o /root-fs/ko-app/integration ./cmd/integration
RUN mkdir -p /root-fs/etc /root-fs/home/nonroot /root-fs/tmp && chown 65532:65532 /root-fs/home/nonroot && \
    chmod 700 /root-fs/home/nonroot && chmod 1777 /root-fs/tmp && \
    printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >/root-fs/etc/passwd && \
    printf 'root:x:0:\nnonroot:x:65532:\n' >/root-fs/etc/group && printf 'hosts: files dns\n' >/root-fs/etc/nsswitch.conf

FROM scratch
ARG VERSION=dev REVISION CREATED SOURCE
LABEL org.opencontainers.image.title="workspace-flyte-integration" \
      org.opencontainers.image.description="Turns signed workspace webhooks into ready Kubernetes namespaces and Flyte projects." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=build /root-fs /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["/ko-app/integration"]
