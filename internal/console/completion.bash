# Completion of PROGRAM for bash: source <(PROGRAM completion bash)
_PROGRAM() {
  local IFS=$'\n'
  # shellcheck disable=SC2207
  COMPREPLY=($(PROGRAM complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _PROGRAM PROGRAM
