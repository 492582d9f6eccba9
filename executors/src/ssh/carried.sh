# ---- What is looked at in the same way by a question and by a job.

# FILE: the flags of it that `chattr` sets, in the order of `lsattr`; nothing where there are none, or none can be told.
p_flags() {
  if command -v lsattr >/dev/null && p_f=$(lsattr -d -- "$1" 2>/dev/null); then
    p_f=${p_f%% *}
    case $p_f in *[aAcCdDijmPsStTux]*) printf '%s' "$p_f" | tr -cd aAcCdDijmPsStTux ;; esac
  fi
}

# What a file carries beside its mode: ACL, security context, capabilities, what users gave it, and its flags.
p_attributes() {
  {
    if command -v getfattr >/dev/null; then
      getfattr -d -m - -e hex --absolute-names -- "$1" 2>/dev/null |
        grep -E '^(user|security|system|trusted)[.][^=]*=' | grep -vE '^security[.](ima|evm)='
    fi
    p_f=$(p_flags "$1")
    if [ -n "$p_f" ]; then printf 'chattr.flags=0x%s\n' "$(printf '%s' "$p_f" | od -An -v -tx1 | tr -d ' \n')"; fi
  } | sort | head -c 262144
}

# An archive that two trees have equal that are equal up to the last time. tar of that age cannot sort. A socket is in none.
p_tree() {
  (
    cd -- "$1" &&
      find . -xdev ! -type s -print0 | sort -z |
      tar -cf - --null --no-recursion -T - --format=posix --numeric-owner --acls --selinux --xattrs \
        --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' 2>/dev/null
  )
}

# What of a tree is not in its archive, each ended by a NUL: `s PATH`, a socket; `n BLOCKS SIZE NAMES PATH`, the room and
# the number of names of each file; `f FLAGS PATH`, the flags of what has any.
p_apart() {
  (
    cd -- "$1" || exit
    find . -xdev \( -type s -printf 's %P\0' \) -o \( -type f -printf 'n %b %s %n %P\0' \)
    if command -v lsattr >/dev/null; then
      p_line='*
*'
      find . -xdev \( -type f -o -type d \) ! -path "$p_line" -print0 | xargs -0 -r lsattr -d -- 2>/dev/null |
        sed -n 's/^[^ ]*[aAcCdDijmPsStTux][^ ]* /f &/p' | tr '\n' '\0'
      find . -xdev \( -type f -o -type d \) -path "$p_line" -exec sh -c '
        for p_at; do
          p_f=$(lsattr -d -- "$p_at" 2>/dev/null) && printf "f %s %s\0" "${p_f%% *}" "$p_at"
        done' sh {} +
    fi
  )
}
