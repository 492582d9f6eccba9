# ---- What is looked at in the same way by a question and by a job.

# What a file carries beside its mode: ACL, security context, capabilities, and what users gave it.
p_attributes() {
  if command -v getfattr >/dev/null; then
    getfattr -d -m - -e hex --absolute-names -- "$1" 2>/dev/null |
      grep -E '^(user|security|system)[.][^=]*=' | grep -vE '^security[.](ima|evm)=' | sort | head -c 262144
  fi
}

# An archive that two equal trees have equal. tar of that age cannot sort.
p_tree() {
  (
    cd -- "$1" &&
      find . -xdev -print0 | sort -z |
      tar -cf - --null --no-recursion -T - --format=posix --numeric-owner --acls --selinux --xattrs \
        --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' 2>/dev/null
  )
}
