# ---- Files are put back with what they had. What is to be there is "$new" in "$box", its place is "$to".

# FOLDER MODE OWNER: makes it so, if it is gone.
p_folder_back() {
  if [ -d "$1" ]; then return 0; fi
  # A mode in digits leaves what a folder has from the one that it is in.
  mkdir -m 700 -- "$1" && chown -- "$3" "$1" && chmod ug-s -- "$1" && chmod -- "$2" "$1" || return
  if command -v restorecon >/dev/null; then restorecon -- "$1"; fi
}

# What another process put in the way is moved aside, not into; it returns if nothing takes its place. A socket of what goes
# is taken along: whoever listens there goes on.
p_swap() {
  if [ -d "$to" ] && [ ! -L "$to" ]; then
    if [ -d "$new" ] && [ ! -L "$new" ]; then p_sockets; fi
    mv -T -- "$to" "$old" || return
  fi
  if ! mv -fT -- "$new" "$to"; then
    if [ -d "$old" ]; then mv -T -- "$old" "$to"; fi
    return 1
  fi
}

p_sockets() {
  find "$to" -xdev -type s -exec sh -c '
    from=$1 to=$2 time=$3
    shift 3
    for f; do
      at=$to${f#"$from"}
      in=${at%/*}
      if [ -d "$in" ] && ! [ -L "$in" ] && ! [ -e "$at" ] && ! [ -L "$at" ]; then
        : >"$time"
        touch -r "$in" -- "$time"
        ln -- "$f" "$at"
        touch -r "$time" -- "$in"
      fi
    done' sh "$to" "$new" "$box/time" {} +
}

# INODE: the content goes into the file that is there, if it is that one. Else, and if a program of it runs, nothing is done.
p_within() {
  if ! [ -f "$to" ] || [ -L "$to" ] || [ "$(stat -c %i -- "$to")" != "$1" ]; then return 1; fi
  { cat -- "$new" >"$to"; } 2>/dev/null && p_dress "$to" && p_kept "$to" "$to"
}

# FILE: its zeros take no room, as they did not.
p_hole() {
  cp -p --sparse=always -- "$1" "$box/hole" && cp --sparse=always -- "$box/hole" "$1" &&
    touch -r "$box/hole" -- "$1" && rm -f -- "$box/hole"
}

# FILE FLAGS: it has these flags and no others, as far as its file system lets them be set: what differs is seen afterwards.
p_flagged() {
  p_had=$(p_flags "$1")
  if [ "$p_had" = "$2" ]; then return 0; fi
  if [ -n "$p_had" ]; then chattr "-$p_had" "$1"; fi
  if [ -n "$2" ]; then chattr "+$2" "$1"; fi
  return 0
}
