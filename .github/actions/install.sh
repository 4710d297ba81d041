#!/usr/bin/env bash
# install.sh COMMAND: installs manifestgen or tagbump for a job of GitHub Actions,
# and adds it to the job's PATH. The step's output path is the program.
#
# The file COMMAND/version says which release: its archive is downloaded from the
# releases of the action's own repository, and checked against checksums.txt. Where
# the file says dev, the command is built from the sources beside this file.
#
# Reads ACTION_REPOSITORY (owner/name; the workflow's own repository if empty),
# DOWNLOAD_TOKEN (only for a private repository; it is used with gh),
# GITHUB_SERVER_URL, GITHUB_OUTPUT, GITHUB_PATH, RUNNER_TEMP, RUNNER_OS, RUNNER_ARCH.
set -euo pipefail

command=$1
actions=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(tr -d '[:space:]' <"$actions/$command/version")
folder=$RUNNER_TEMP/k8srepo-$version
exe=
if [ "$RUNNER_OS" = Windows ]; then exe=.exe; fi

fail() {
  echo "::error title=$command::$1"
  exit 2
}

build() {
  command -v go >/dev/null || fail "go is not installed; use a released version of this action, or set up Go first"
  (cd "$actions/../.." && go build -ldflags='-s -w' -o "$folder/$command$exe" "./cmd/$command")
}

# fetch FILE downloads a file of the release into the current folder.
fetch() {
  if [ -n "${DOWNLOAD_TOKEN:-}" ]; then
    GH_TOKEN=$DOWNLOAD_TOKEN GH_ENTERPRISE_TOKEN=$DOWNLOAD_TOKEN \
      gh release download "$version" --repo "${GITHUB_SERVER_URL#*://}/$repository" --pattern "$1"
  else
    curl --fail --silent --show-error --location --retry 3 --proto "=${GITHUB_SERVER_URL%%:*}" \
      --output "$1" "$GITHUB_SERVER_URL/$repository/releases/download/$version/$1"
  fi
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# download puts the release's commands into $folder, whole or not at all.
download() {
  repository=${ACTION_REPOSITORY:-$GITHUB_REPOSITORY}
  case $RUNNER_OS in
    Linux) os=linux ;;
    macOS) os=darwin ;;
    Windows) os=windows ;;
    *) fail "there is no release for $RUNNER_OS" ;;
  esac
  case $RUNNER_ARCH in
    X64) arch=amd64 ;;
    ARM64) arch=arm64 ;;
    *) fail "there is no release for $RUNNER_ARCH" ;;
  esac
  archive=k8srepo_${version#v}_${os}_$arch.tar.gz
  if [ "$os" = windows ]; then archive=${archive%.tar.gz}.zip; fi

  work=$(mktemp -d "$RUNNER_TEMP/k8srepo.XXXXXX")
  cd "$work"
  if ! fetch checksums.txt || ! fetch "$archive"; then
    fail "$archive of $version cannot be downloaded from $GITHUB_SERVER_URL/$repository/releases"
  fi
  want=$(awk -v name="$archive" '$2 == name { print $1 }' checksums.txt)
  got=$(sha256 "$archive")
  [ -n "$want" ] || fail "checksums.txt of $version does not name $archive"
  [ "$want" = "$got" ] || fail "$archive of $version has the checksum $got, and checksums.txt has $want"
  mkdir unpacked
  case $archive in
    *.zip) unzip -q "$archive" -d unpacked ;;
    *) tar -xzf "$archive" -C unpacked ;;
  esac
  mv unpacked "$folder"
  cd "$actions"
  rm -rf "$work"
}

if [ "$version" = dev ]; then
  build
elif [ ! -d "$folder" ]; then # a step before this one may have installed it
  download
fi
echo "$folder" >>"$GITHUB_PATH"
echo "path=$folder/$command$exe" >>"$GITHUB_OUTPUT"
"$folder/$command$exe" --version
