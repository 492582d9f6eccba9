# NAME: the unit itself. Disabling one takes the links away that are its other names, so that only its file knows them.
p_named() {
  p_n=$1
  case $p_n in *.service | *.socket | *.timer | *.target | *.mount | *.path | *.slice) ;; *) p_n=$p_n.service ;; esac
  case $(systemctl show -p LoadState -- "$p_n") in *=not-found) ;; *) printf '%s\n' "$p_n"; return ;; esac
  p_f=$(grep -lsE "^Alias=(.* )?$p_n( |\$)" /etc/systemd/system/*.* /usr/lib/systemd/system/*.* /lib/systemd/system/*.* | head -n 1)
  if [ -n "$p_f" ]; then p_n=${p_f##*/}; fi
  printf '%s\n' "$p_n"
}
