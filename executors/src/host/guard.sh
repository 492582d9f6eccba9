# KIND PATH [owned | in-place] [replaced]: why a path may not be changed; says it and fails. What is looked at and what is changed are found on
# the same way, nobody but root can change that way meanwhile, and no other file system is entered.
#   links   no folder above it is a symbolic link
#   name    and nobody else may write in one of them, and nothing is mounted there; `owned`: what takes its place gets an
#           owner of its own; `in-place`: nothing takes its place, it is changed where it is
#   all     the same of everything in it: it is no link itself
# `replaced`: it is removed or replaced as a whole, which no flag may prevent half-way.
p_guard() {
  p_kind=$1 p_asked=$2 p_owned=$3 p_replaced=$4
  IFS=/
  set -f
  set -- $p_asked
  set +f
  unset IFS
  p_target= p_meant= p_all=
  for p_part; do if [ -n "$p_part" ]; then p_target=$p_target/$p_part; fi; done
  case $p_asked in */) p_meant=1 ;; esac
  if [ "$p_kind" = all ]; then p_meant=1 p_all='/*'; fi
  p_open= p_at=
  if [ "$p_kind" != links ]; then p_folder / || return; fi
  for p_part; do
    if [ -z "$p_part" ]; then continue; fi
    p_at=$p_at/$p_part
    if [ "$p_at" = "$p_target" ] && [ -z "$p_meant" ]; then break; fi
    if [ -L "$p_at" ]; then
      if p_real=$(readlink -e -- "$p_at"); then
        if [ "$p_real" = / ]; then p_real=; fi
        echo "$p_at is a symbolic link to $p_real, and a change goes through no link: write $p_real${p_target#"$p_at"}$p_all instead"
      else
        echo "$p_at is a symbolic link that leads to nothing ($(readlink -- "$p_at")), and a change goes through no link"
      fi
      return 1
    fi
    # What is not there yet is made by us.
    if [ "$p_at" = "$p_target" ] || ! [ -d "$p_at" ]; then break; fi
    if [ "$p_kind" != links ]; then p_folder "$p_at" || return; fi
  done
  if [ "$p_kind" = links ]; then return 0; fi
  if [ -n "$p_replaced" ]; then p_free "$p_target" || return; fi
  if [ -L "$p_target" ]; then return 0; fi
  # A sticky folder keeps others from moving what is there, not from having put it there.
  if [ -n "$p_open" ] && [ "$p_kind" = name ] && [ "$p_owned" != owned ] && [ -f "$p_target" ]; then
    p_stat=$(stat -c '%u %U' -- "$p_target") || return 0
    if [ "${p_stat%% *}" != 0 ]; then
      p_instead='name its owner in the step, or remove it first'
      if [ "$p_owned" = in-place ]; then p_instead="give it to root first (chown -h root '$p_target'), or use another folder"; fi
      echo "$p_target belongs to ${p_stat#* }, in a folder where everybody writes: $p_instead"
      return 1
    fi
  fi
  p_on=$(p_at="$p_target" awk '
    BEGIN { at = ENVIRON["p_at"] }
    {
      on = $5
      gsub(/\\040/, " ", on)
      gsub(/\\134/, "\\\\", on)
      if (on == at || index(on, at "/") == 1) { print on; exit }
    }
  ' /proc/self/mountinfo)
  if [ -n "$p_on" ]; then
    echo "something is mounted on $p_on, and a change of $p_target$p_all would reach into it: unmount it (umount '$p_on'), or leave it out"
    return 1
  fi
}

# FOLDER: whether nobody but root can put another thing in the place of what is in it. Says why not.
p_folder() {
  p_open=
  if ! p_stat=$(stat -c '%u %a %U' -- "$1"); then return 1; fi
  set -- "$1" $p_stat
  if [ "$2" != 0 ] && [ "$2" != "$(id -u)" ]; then
    echo "$1 belongs to $4, who could put something else in the place of $p_target: give the folder to root (chown root '$1'), or use another one"
    return 1
  fi
  case $3 in *[2367]? | *[2367]) p_open=1 ;; *) return 0 ;; esac
  case $2:$3 in 0:[1357]???) return 0 ;; esac
  echo "others than root may write in $1 (its mode is $3), and could put something else in the place of $p_target: take that right away (chmod go-w '$1'), or use another folder"
  return 1
}

# PATH: whether no flag keeps it, what is below it, or the folder that it is in. Says which does.
p_free() {
  if ! command -v lsattr >/dev/null; then return 0; fi
  p_said=$({
    if [ "$p_kind" != all ]; then p_above=${1%/*} && lsattr -d -- "${p_above:-/}"; fi
    find "$1" -xdev \( -type f -o -type d \) -exec lsattr -d -- {} +
  } 2>/dev/null | sed -n '/^[^ ]*[ia][^ ]* /{p;q;}')
  p_at=${p_said#* }
  case ${p_said%% *} in
    '') return 0 ;;
    *i*) p_word=immutable p_flag=i ;;
    *) p_word='append-only' p_flag=a ;;
  esac
  echo "$p_at is $p_word (flag $p_flag of lsattr), so $1 can be neither removed nor replaced: take the flag away (chattr -$p_flag '$p_at'), or leave it out"
  return 1
}
