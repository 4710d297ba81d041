#!/usr/bin/env bash
# run.sh: runs manifestgen with the action's inputs, which are in INPUT_*, for
# GitHub Actions; MANIFESTGEN is the program. It writes the step's outputs itself.
set -euo pipefail

args=()

# value FLAG VALUE adds a flag, unless its value is empty.
value() {
  if [ -n "$2" ]; then args+=("--$1=$2"); fi
}

# switch FLAG VALUE adds the flag where the value is true.
switch() {
  case $2 in
    true) args+=("--$1") ;;
    false | '') ;;
    *)
      echo "::error title=manifestgen::the input $1 must be true or false"
      exit 2
      ;;
  esac
}

command=$INPUT_COMMAND
if [ "$command" = install ]; then exit 0; fi

value source "$INPUT_SOURCE"
value out "$INPUT_OUT"
read -r -d '' -a environments <<<"$INPUT_ENV" || true
for environment in ${environments[@]+"${environments[@]}"}; do value env "$environment"; done
value today "$INPUT_TODAY"
value kubernetes "$INPUT_KUBERNETES"
switch no-validate "$INPUT_NO_VALIDATE"
switch full "$INPUT_FULL"
switch strict "$INPUT_STRICT"
switch dry-run "$INPUT_DRY_RUN"
switch force "$INPUT_FORCE"
switch allow-mass-prune "$INPUT_ALLOW_MASS_PRUNE"

if [ "$command" != check ]; then
  exec "$MANIFESTGEN" "$command" ${args[@]+"${args[@]}"}
fi

# The report of check goes to a file, and from there to the run's page: others
# wrote what is in it.
report=${INPUT_REPORT:-$RUNNER_TEMP/manifestgen-check.md}
status=0
"$MANIFESTGEN" check ${args[@]+"${args[@]}"} --output=markdown >"$report" || status=$?
echo "report=$report" >>"$GITHUB_OUTPUT"
cat "$report" >>"$GITHUB_STEP_SUMMARY"
exit "$status"
