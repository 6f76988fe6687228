
# Completes nsrun: nsctl knows the flags of the plugins chosen so far.
_nsrun() {
  local cur line word prefix words
  COMPREPLY=()
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  cur=
  if [[ ${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]]; then
    cur=${words[-1]}
    unset 'words[-1]'
  fi
  # Readline replaces only what is behind the last of its word breaks.
  prefix=
  if [[ $cur == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]]; then prefix=${cur%"${cur##*[=:]}"}; fi
  while IFS= read -r line; do
    case $line in
    ':files') compopt -o filenames 2>/dev/null; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "${cur#"$prefix"}") ;;
    ':command '*) _nsrun_command "${line#:command }" "$cur" "${words[@]}" ;;
    *)
      word=${line%%$'\t'*}
      COMPREPLY+=("${word#"$prefix"}")
      if [[ $word == *[,=] ]]; then compopt -o nospace 2>/dev/null; fi
      ;;
    esac
  done < <(nsctl __nsrun -- "${words[@]:1}" "$cur" 2>/dev/null)
}

# Completes the command and its arguments: $1 words of nsrun's own are before it.
_nsrun_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset $(($1 + 1))
  elif (($# - 3 == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "$2" | sort -u)
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$2")
  fi
}

complete -F _nsrun nsrun
