#!/bin/sh
# Makes docs/status.png: the page of a real run of tagbump status, over the starter
# of this repository and a history of deployments. Needs go, git and chromium.
#
#   docs/status.sh [FILE.png]
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
png=${1:-$top/docs/status.png}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$top"
go build -o "$work/manifestgen" ./cmd/manifestgen
go build -o "$work/tagbump" ./cmd/tagbump

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null TZ=UTC
export GIT_AUTHOR_NAME=ci GIT_AUTHOR_EMAIL=ci@example.com GIT_COMMITTER_NAME=ci GIT_COMMITTER_EMAIL=ci@example.com
at() { export GIT_AUTHOR_DATE="$1T09:00:00Z" GIT_COMMITTER_DATE="$1T09:00:00Z"; }

# The services: a repository each, with thirty commits.
at 2026-01-05
for service in api front search worker; do
    app=$work/$service
    git init --quiet -b main "$app"
    tree=$(git -C "$app" hash-object -t tree -w /dev/null)
    parent=
    for n in $(seq 30); do
        commit=$(git -C "$app" commit-tree "$tree" $parent -m "$service $n")
        parent="-p $commit"
        git -C "$app" tag "v$n" "$commit"
    done
    git -C "$app" update-ref refs/heads/main "$commit"
done

# The k8s repo: rendered, and deployed to day by day.
k8s=$work/k8s
cp -r users.yaml environments templates "$work/"
mkdir "$k8s"
mv "$work/users.yaml" "$work/environments" "$work/templates" "$k8s/"
(cd "$k8s" && "$work/manifestgen" render >/dev/null)
git -C "$k8s" init --quiet -b main
deploy() { # date, service, its commit, environments
    at "$1"
    tag=$(git -C "$work/$2" rev-parse --short=7 "v$3")
    for env in $4; do
        "$work/tagbump" set --root "$k8s" --env "$env" --service "$2" --tag "$tag" >/dev/null
        git -C "$k8s" add --all
        git -C "$k8s" commit --quiet -m "$2: $env $tag"
    done
}
all="dev qa staging prod prod-next"
deploy 2026-01-12 api 4 "$all sandbox"
deploy 2026-01-12 front 9 "$all sandbox"
deploy 2026-01-13 search 6 "$all sandbox"
deploy 2026-01-14 worker 3 "$all sandbox"
deploy 2026-01-20 api 11 "dev qa staging prod prod-next"
deploy 2026-01-22 front 14 "dev qa staging"
deploy 2026-01-26 worker 8 "dev qa staging prod prod-next"
deploy 2026-01-29 api 18 "dev qa staging"
deploy 2026-02-02 front 15 "dev"
deploy 2026-02-03 api 23 "dev qa"
at 2026-02-04 # one of the users tries what is new
tag=$(git -C "$work/api" rev-parse --short=7 v23)
sed -i "s|/api:[0-9a-f]*|/api:$tag|" "$k8s"/sandbox/manifests/users/alice/api-sandbox-*.yaml
git -C "$k8s" commit --quiet --all --message "api: alice's sandbox $tag"

git clone --quiet --bare "$k8s" "$work/k8s.git"
cd "$work"
"$work/tagbump" status --repo k8s.git --app-repo api --app-repo front --app-repo search --app-repo worker -o html >status.html
"$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=2 \
    --window-size=1340,530 --screenshot="$png" "file://$work/status.html" >/dev/null 2>&1
test -s "$png"
echo "$png"
