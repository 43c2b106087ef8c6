# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for syrinxctl and syrinxd: asks them what they take, so that it
# can't grow old. For bash.

_syrinx_options () { # COMMAND…
  "$@" 2>/dev/null | grep -oE -- '--[a-z][a-z-]*=?' | sort -u
}

_syrinx () {
  local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} word i
  local -a given=()
  COMPREPLY=()
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --state-dir|--library|--pipelines-dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --config|--tls-certificate|--tls-key|--jwks|--geo-database|--output)
      mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  if [ "${program##*/}" = syrinxd ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_syrinx_options "$program" --help-all)" -- "$current")
  else
    for ((i = 1; i < COMP_CWORD; i++)); do
      word=${COMP_WORDS[i]}
      case $word in
        -*|=) ;;
        *) case ${COMP_WORDS[i - 1]} in --*) ;; *) given+=("$word") ;; esac ;;
      esac
    done
    if [ ${#given[@]} = 0 ] && [[ $current != -* ]]; then
      word=$("$program" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
    elif [[ $current == -* ]]; then
      word=$(_syrinx_options "$program" "${given[@]}" --help)
    else
      word=$("$program" --help 2>/dev/null |
        sed -nE "s/^  ${given[*]} +\[?([a-z|]+)[] ].*/\1/p" | tr '|' ' ')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
  fi
  [ ${#COMPREPLY[@]} = 1 ] && [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -F _syrinx syrinxctl syrinxd
