# ---- Files are made in a folder that nobody else enters, beside the place where they are put in one move.

# PATH: makes it, and has it gone with the job. What a kill or the power leaves
# of it is found by its name in the job's folder, by whoever makes the next.
p_beside() {
  p_clear
  p_uuid=$(cat /proc/sys/kernel/random/uuid) || exit
  box=${1%/*}/.palinode-${p_uuid%%-*}
  new=$box/new old=$box/old
  printf '%s\n' "$box" >"$p_d/box" || exit
  # One that is there already was made by another.
  mkdir -m 700 -- "$box" || { rm -f -- "$p_d/box"; exit 1; }
  trap 'rm -rf --one-file-system -- "$box" && rm -f -- "$p_d/box"' EXIT
  trap 'exit 143' HUP INT TERM
}

# FILE: its content, owner and attributes are on the disk.
p_kept() {
  if p_said=$(dd if=/dev/null of="$1" oflag=append conv=notrunc,fsync 2>&1); then return; fi
  printf '%s\n' "$p_said" >&2
  echo "$2 could not be brought to the disk; it is as it was" >&2
  exit 1
}

# FOLDER: the same of all files in it.
p_kept_all() {
  p_how
  case $(p_disks "$1") in
    'local '*) if p_whole "$1"; then return; fi ;;
    memory*) return ;;
  esac
  find "$1" -xdev -type f -exec dd if=/dev/null of={} oflag=append conv=notrunc,fsync \; 2>/dev/null
}
