# ---- What a step replaces is as the step found it.

# PATH absent | PATH link TARGET | PATH file MODE OWNER CONTENT CARRIED | PATH tree CONTENT: whether it is that. Texts are in
# base64, and contents by their SHA-256.
p_same() {
  case $2 in
    absent) [ ! -e "$1" ] && [ ! -L "$1" ] ;;
    link) [ -L "$1" ] && [ "$(readlink -n -- "$1" | base64 -w0)" = "$3" ] ;;
    file)
      [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %a -- "$1")" = "$3" ] || return 1
      case $4 in "$(stat -c %U:%G -- "$1")" | "$(stat -c %u:%g -- "$1")") ;; *) return 1 ;; esac
      [ "$(p_sum <"$1")" = "$5" ] && [ "$(p_attributes "$1" | p_sum)" = "$6" ]
      ;;
    tree) [ -d "$1" ] && [ ! -L "$1" ] && [ "$(LC_ALL=C p_tree "$1" | p_sum)" = "$3" ] ;;
  esac
}

p_sum() {
  sha256sum | cut -d' ' -f1
}
