#!/usr/bin/env bash
# Builds a release into dist/: release.sh VERSION, such as v1.2.0.
#   PUSH=host/repository  pushes image and chart, with SBOMs and provenance as referrers of the image
#   PLATFORMS='linux/amd64'  builds integrationctl for these only
#   COSIGN_KEY=file       signs the pushed image with this key of cosign
# One commit gives the same files on every machine with GNU tar: Go itself has one version for all, which go downloads if it must.
set -euo pipefail
export GOTOOLCHAIN=go1.26.8
cd "$(dirname "$0")/.."
version=${1:?usage: release.sh VERSION}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || {
	echo "release: $version is not a version such as v1.2.0" >&2
	exit 64
}
[ -z "$(git status --porcelain)" ] || {
	echo "release: the checkout has changes that no commit has" >&2
	exit 1
}
name=workspace-flyte-integration
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}
commit=$(git rev-parse HEAD)
date=$(TZ=UTC git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
helm=$(hack/tool.sh helm)
cyclonedx=$(hack/tool.sh cyclonedx-gomod)
dist=dist
rm -rf $dist
mkdir -p $dist/sbom
step() { echo "release: $*" >&2; }

# archive FILE DIR NAME...: what has these names in a directory, in order, with the time of the commit and no owner. Helm takes no name that
# begins with "./".
archive() {
	tar --sort=name --mtime="$date" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$2" -cf - "${@:3}" | gzip -n >"$1"
}

binaries() {
	local platform os arch dir end ldflags="-s -w -X main.version=$version -X main.commit=$commit -X main.date=$date"
	for platform in $platforms; do
		os=${platform%/*} arch=${platform#*/}
		step "integrationctl for $platform"
		end=; [ "$os" != windows ] || end=.exe
		dir=$(mktemp -d)
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch \
			go build -trimpath -buildvcs=false -ldflags "$ldflags" -o "$dir/integrationctl$end" ./cmd/integrationctl
		"$cyclonedx" bin -json -noserial -notimestamp -version "$version" \
			-output "$dist/sbom/integrationctl_${version}_${os}_$arch.cdx.json" "$dir/integrationctl$end"
		cp LICENSE "$dir/"
		archive "$dist/integrationctl_${version}_${os}_$arch.tar.gz" "$dir" LICENSE "integrationctl$end"
		rm -rf "$dir"
	done
}

image() {
	step "image for linux/amd64 and linux/arm64"
	(cd image && go build -o ../bin/image-builder .)
	bin/image-builder --out $dist/image --tars $dist --tag "$name:$version" --version "$version" --commit "$commit" --date "$date" "$@"
}

chart() {
	step "chart and manifests"
	local dir
	dir=$(mktemp -d)
	mkdir "$dir/$name"
	git archive HEAD "charts/$name" | tar -x --strip-components=2 -C "$dir/$name"
	cp LICENSE "$dir/$name/"
	sed -i "s/^version: .*/version: ${version#v}/; s/^appVersion: .*/appVersion: ${version#v}/" "$dir/$name/Chart.yaml"
	archive "$dist/$name-${version#v}.tgz" "$dir" $name
	"$helm" show chart "$dist/$name-${version#v}.tgz" >/dev/null
	# What must survive `kubectl delete -f install.yaml` is in a file of its own.
	cat "$dir/$name"/crds/*.yaml >$dist/crds.yaml
	"$helm" template $name "$dir/$name" --namespace platform-services --no-hooks \
		--set image.tag="$version" --set flyte.consoleURL=https://flyte.company.com --set webhook.existingSecret=$name >"$dir/all.yaml"
	go run ./hack/splitmanifests --kept $dist/tenants.yaml --rest $dist/install.yaml "$dir/all.yaml"
	chmod 644 $dist/*.yaml
	rm -rf "$dir"
}

binaries
digest=$(image)
chart
mv $dist/image/sbom/*.spdx.json $dist/sbom/
rmdir $dist/image/sbom
tar --sort=name --mtime="$date" --owner=0 --group=0 --numeric-owner -C $dist/image -cf "$dist/${name}_${version}.oci.tar" .
rm -rf $dist/image
(cd $dist && find . -type f ! -name checksums.txt -printf '%P\n' | sort | xargs sha256sum >checksums.txt)
go run ./hack/provenance --version "$version" --commit "$commit" --image "$name@$digest" --checksums $dist/checksums.txt >$dist/provenance.intoto.json
hack/krew.sh "$version" $dist/checksums.txt $platforms >$dist/workspace.yaml
if [ -n "${PUSH:-}" ]; then
	step "pushing to $PUSH"
	attach=(--attach $dist/provenance.intoto.json)
	for sbom in $dist/sbom/*.spdx.json; do attach+=(--attach "$sbom"); done
	bin/image-builder --out bin/image --version "$version" --commit "$commit" --date "$date" --push "$PUSH:$version" "${attach[@]}"
	"$helm" push "$dist/$name-${version#v}.tgz" "oci://${PUSH%/*}" ${PLAIN_HTTP:+--plain-http}
	if [ -n "${COSIGN_KEY:-}" ]; then
		"$(hack/tool.sh cosign)" sign --yes --tlog-upload=false --key "$COSIGN_KEY" "$PUSH@$digest"
	fi
fi
step "dist/ is complete; the image is $name@$digest"
