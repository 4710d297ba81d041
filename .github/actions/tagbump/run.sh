#!/usr/bin/env bash
# run.sh: runs one command of tagbump with the action's inputs, which are in
# INPUT_*, for GitHub Actions; TAGBUMP is the program. tagbump itself writes the
# step's outputs and the page of the run. Tokens are in the environment:
# TAGBUMP_TOKEN, GITHUB_TOKEN.
set -euo pipefail

args=()

# value FLAG VALUE adds a flag, unless its value is empty.
value() {
  if [ -n "$2" ]; then args+=("--$1=$2"); fi
}

# lines FLAG VALUES adds the flag once per line that is not empty.
lines() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    value "$1" "$line"
  done <<<"$2"
}

# words FLAG VALUES adds the flag once per word.
words() {
  local list=() word
  read -r -d '' -a list <<<"$2" || true
  for word in ${list[@]+"${list[@]}"}; do value "$1" "$word"; done
}

# switch FLAG VALUE adds the flag where the value is true.
switch() {
  case $2 in
    true) args+=("--$1") ;;
    false | '') ;;
    *)
      echo "::error title=tagbump::the input $1 must be true or false"
      exit 2
      ;;
  esac
}

command=$INPUT_COMMAND
if [ "$command" = install ]; then exit 0; fi

value repo "$INPUT_REPO"
words env "$INPUT_ENV"
words service "$INPUT_SERVICE"
words image "$INPUT_IMAGE"
value tag "$INPUT_TAG"
value digest "$INPUT_DIGEST"
switch resolve-digest "$INPUT_RESOLVE_DIGEST"
value from "$INPUT_FROM"
value to "$INPUT_TO"
switch all "$INPUT_ALL"
switch together "$INPUT_TOGETHER"
words rename "$INPUT_RENAME"
lines field "$INPUT_FIELD"
value path "$INPUT_PATH"
lines only "$INPUT_ONLY"
lines skip "$INPUT_SKIP"
words user "$INPUT_USER"
words container "$INPUT_CONTAINER"
value expect "$INPUT_EXPECT"
value reason "$INPUT_REASON"
value branch "$INPUT_BRANCH"
switch push "$INPUT_PUSH"
switch force "$INPUT_FORCE"
switch dry-run "$INPUT_DRY_RUN"
value via "$INPUT_VIA"
value github "$INPUT_GITHUB"
switch auto-merge "$INPUT_AUTO_MERGE"
switch verify-image "$INPUT_VERIFY_IMAGE"
value wait-image "$INPUT_WAIT_IMAGE"
lines app-repo "$INPUT_APP_REPO"
value history "$INPUT_HISTORY"
value author "$INPUT_AUTHOR"
value committer "$INPUT_COMMITTER"
value message "$INPUT_MESSAGE"
value signing-key "$INPUT_SIGNING_KEY"
value ssh-key "$INPUT_SSH_KEY"
value known-hosts "$INPUT_KNOWN_HOSTS"
value ca-file "$INPUT_CA_FILE"
value timeout "$INPUT_TIMEOUT"
value output "$INPUT_OUTPUT"

if [ "$command" != status ]; then
  exec "$TAGBUMP" "$command" ${args[@]+"${args[@]}"}
fi

# The table or page of status goes to a file: others wrote what is in it.
case $INPUT_OUTPUT in
  html | json) suffix=$INPUT_OUTPUT ;;
  *) suffix=txt ;;
esac
report=${INPUT_REPORT:-$RUNNER_TEMP/tagbump-status.$suffix}
"$TAGBUMP" status ${args[@]+"${args[@]}"} >"$report"
echo "report=$report" >>"$GITHUB_OUTPUT"
if [ "$suffix" = txt ]; then
  fence='```'
  while grep -qF "$fence" "$report"; do fence+='`'; done
  { echo "$fence" && cat "$report" && echo "$fence"; } >>"$GITHUB_STEP_SUMMARY"
fi
