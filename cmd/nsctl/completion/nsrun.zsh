
# Completes nsrun: nsctl knows the flags of the plugins chosen so far.
_nsrun() {
  local line files=0 begin=-1
  local -a candidates
  while IFS= read -r line; do
    case $line in
      ':files') files=1 ;;
      ':command '*) begin=${line#:command } ;;
      *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <(nsctl __nsrun -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( begin >= 0 )); then
    shift $((begin + 1)) words
    (( CURRENT -= begin + 1 ))
    _normal
    return
  fi
  (( ${#candidates} )) && _describe -t flags flag candidates
  (( files )) && _files
}

compdef _nsrun nsrun
