# Trees of every kind of file. Run as root, once.
set -e
export LC_ALL=C
# Files: kinds, names, owners, holes, names of one file, attributes, links.
o=/srv/odd
mkdir -p $o/tree/deep/er $o/plain $o/empty
echo one >$o/tree/one
echo two >$o/tree/deep/two
ln $o/tree/one $o/tree/deep/er/one-again
ln -s one $o/tree/link
ln -s /nowhere $o/tree/dangling
mkfifo $o/tree/fifo
truncate -s 1M $o/tree/holes
echo end >>$o/tree/holes
printf 'x' >"$o/tree/with space"
printf 'x' >"$o/tree/-dash"
printf 'x' >"$o/tree/$(printf 'new\nline')"
chmod 4750 $o/tree/deep/two
chmod 1777 $o/empty
chown -R 12345:54321 $o/tree/deep
mkdir -m 2770 $o/tree/group
echo real >$o/plain/real
ln -s real $o/plain/link
ln -s link $o/plain/link-of-link
mkdir -m 711 -p $o/parent/of
echo child >$o/parent/of/child
chown 12345:54321 $o/parent
echo 'KEY=value' >$o/plain/settings
python3 - $o <<'P'
import os, sys
o = sys.argv[1]
for path, name, value in [("tree/one", "user.note", b"kept"), ("tree", "user.folder", b"of a folder")]:
    try:
        os.setxattr(f"{o}/{path}", name, value)
    except OSError:
        pass
P
sync -f /srv
