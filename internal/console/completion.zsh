#compdef PROGRAM
# Completion of PROGRAM for zsh: source <(PROGRAM completion zsh), behind compinit;
# or this text as _PROGRAM in a folder of fpath.
_PROGRAM() {
  local -a found
  found=("${(@f)$(PROGRAM complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( $#found )); then
    compadd -Q -- "${found[@]}"
  else
    _files
  fi
}
if [[ ${funcstack[1]} == _PROGRAM ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
