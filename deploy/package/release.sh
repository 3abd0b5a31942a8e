#!/usr/bin/env bash
# Builds dist/: binaries, deb, rpm, tar.gz and zip for linux and windows, amd64
# and arm64, a bill of materials for each binary, and checksums. The same commit
# gives the same bytes, in whatever folder and whenever it is built.
#
#   VERSION=1.4.0 deploy/package/release.sh     DIST: another folder; TARGETS: fewer, such as linux/amd64;
#                                               RELEASE_KEY=key.pem signs the checksums
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in zip openssl gzip; do
  command -v $tool >/dev/null || { echo "the release needs $tool: apt-get install $tool" >&2; exit 1; }
done
VERSION=${VERSION:-$(git describe --tags --always --dirty)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
BUILD_TIME=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
# A package's version begins with a digit, and a dash in it means something.
PACKAGE_VERSION=${VERSION#v}
PACKAGE_VERSION=${PACKAGE_VERSION//-/\~}
[[ $PACKAGE_VERSION == [0-9]* ]] || PACKAGE_VERSION="0~$PACKAGE_VERSION"
export SOURCE_DATE_EPOCH CGO_ENABLED=0 TZ=UTC LC_ALL=C
umask 022

out=${DIST:-dist}
rm -rf $out
mkdir -p $out/.work/shared $out/.work/tools
work=$(realpath "$out")/.work
SHARED=$work/shared
echo "release: dswatch $VERSION, the tools first"
(cd tools && GOOS='' GOARCH='' go build -trimpath -buildvcs=false -o "$work/tools/" github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)

build() { # OS ARCH FILE
  GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o "$3" ./cmd/dswatch
}
echo "release: what is the same everywhere"
build '' '' "$work/dswatch"
"$work/dswatch" completion bash >"$SHARED/dswatch.bash"
"$work/dswatch" completion zsh >"$SHARED/_dswatch"
"$work/dswatch" completion fish >"$SHARED/dswatch.fish"
COLUMNS=80 "$work/dswatch" man --language en | gzip -9n >"$SHARED/dswatch.1.gz"
COLUMNS=80 "$work/dswatch" man --language ja | gzip -9n >"$SHARED/dswatch.ja.1.gz"

for target in ${TARGETS:-linux/amd64 linux/arm64 windows/amd64 windows/arm64}; do
  os=${target%/*} arch=${target#*/} ext=
  [ "$os" = windows ] && ext=.exe
  echo "release: $target"
  name=dswatch-$os-$arch
  dir=$work/$name
  mkdir -p "$dir"
  build "$os" "$arch" "$dir/dswatch$ext"
  cp "$dir/dswatch$ext" "$out/$name$ext"
  cp LICENSE NOTICE README.md README.ja.md CHANGELOG.md deploy/package/dswatch.yaml docs/mib/DSWATCH-MIB.txt "$dir/"
  "$work/tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -version "$VERSION" -output "$out/$name.cdx.json" "$dir/dswatch$ext" 2>/dev/null
  if [ "$os" = windows ]; then
    find "$dir" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$work" && find "$name" -type f | sort | zip -qX9@ "../$name.zip")
    continue
  fi
  cp "$SHARED"/dswatch.1.gz "$SHARED"/dswatch.bash deploy/dswatch.service deploy/dswatch-helper.service deploy/dswatch-helper.socket deploy/root.conf "$dir/"
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w --mtime="@$SOURCE_DATE_EPOCH" -c "$name" | gzip -9n >"$out/$name.tar.gz"
  # The package's unit runs the package's program, once it is configured.
  sed -e "s|^ExecStart=.*|ExecStart=/usr/bin/dswatch run -c /etc/dswatch/dswatch.yaml|" \
    -e "s|^After=.*|&\nConditionPathExists=/etc/dswatch/dswatch.yaml|" deploy/dswatch.service >"$dir/dswatch.service"
  sed "s|^ExecStart=/usr/local/bin/|ExecStart=/usr/bin/|" deploy/dswatch-helper.service >"$dir/dswatch-helper.service"
  chmod 644 "$dir/dswatch.service" "$dir/dswatch-helper.service"
  for packager in deb rpm; do
    sed -e "s|\${GOARCH}|$arch|; s|\${PACKAGE_VERSION}|$PACKAGE_VERSION|; s|\${BUILD_TIME}|$BUILD_TIME|; s|\${STAGE}|$dir|; s|\${SHARED}|$SHARED|" \
      deploy/package/nfpm.yaml >"$work/nfpm-$arch.yaml"
    "$work/tools/nfpm" package --config "$work/nfpm-$arch.yaml" --packager $packager --target "$out/" >/dev/null
  done
done
rm -rf "$work"
(cd $out && sha256sum -- * >SHA256SUMS)
if [ -n "${RELEASE_KEY:-}" ]; then
  openssl pkeyutl -sign -rawin -inkey "$RELEASE_KEY" -in $out/SHA256SUMS -out $out/SHA256SUMS.sig
fi
echo "release: $out has $(wc -l <$out/SHA256SUMS) files"
