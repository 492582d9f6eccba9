# Repositories that are off: one that is not there, one whose packages nobody signed, and one that replaces docker and has
# scriptlets that fail. Run as root, once.
set -e
export LC_ALL=C HOME=/root
top=/root/odd-rpm
mkdir -p $top /srv/odd-packages /srv/odd-unsigned
build() { # FOLDER NAME VERSION [LINE...]: lines of a tag, or of a section from `%` on
  folder=$1 name=$2 version=$3
  shift 3
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: odd\nLicense: none\nAutoReqProv: no\nBuildArch: noarch\n' "$name" "$version"
    for line; do case $line in %*) ;; *) echo "$line" ;; esac; done
    printf '%%description\nodd\n%%install\nmkdir -p %%{buildroot}/etc/odd-packages %%{buildroot}/usr/lib/systemd/system\n'
    printf 'echo %s-%s >%%{buildroot}/etc/odd-packages/%s.conf\n' "$name" "$version" "$name"
    printf "printf '[Service]\\\\nExecStart=/bin/sleep 90005\\\\n[Install]\\\\nWantedBy=multi-user.target\\\\n' >%%{buildroot}/usr/lib/systemd/system/%s.service\n" "$name"
    for line; do case $line in %*) echo "$line" ;; esac; done
    printf '%%files\n%%config(noreplace) /etc/odd-packages/%s.conf\n/usr/lib/systemd/system/%s.service\n' "$name" "$name"
  } >$top/$name.spec
  rpmbuild -bb --quiet --define "_topdir $top/top" --define "_rpmdir $folder" --define '__os_install_post %{nil}' \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' --define '_build_id_links none' $top/$name.spec
}
p=/srv/odd-packages
stops() { printf '%%preun\nif [ $1 = 0 ]; then systemctl --no-reload disable --now %s >/dev/null 2>&1 || :; fi\n%%postun\nsystemctl daemon-reload >/dev/null 2>&1 || :\n' "$1"; }
build $p odd-plain 1 "$(stops odd-plain)"
build $p odd-plain 2 "$(stops odd-plain)"
build $p odd-old 1 "$(stops odd-old)"
build $p odd-new 3 'Obsoletes: odd-old < 3' "$(stops odd-new)"
build $p odd-refuses 1 '%pre
echo there is no user for it
exit 3'
build $p odd-stays 1 '%preun
echo it is still in use
exit 1'
build /srv/odd-unsigned odd-unsigned 1
createrepo_c --quiet $p
createrepo_c --quiet /srv/odd-unsigned
repo() { printf '[%s]\nname=%s\nbaseurl=file://%s\n%b' "$1" "$1" "$2" "$3" >"/etc/yum.repos.d/$1.repo"; }
repo odd-packages $p 'enabled=1\ngpgcheck=0\n'
repo odd-unsigned /srv/odd-unsigned 'enabled=1\ngpgcheck=1\n'
repo odd-broken /srv/no-such-folder 'enabled=0\ngpgcheck=0\n'
repo odd-silent /srv/odd-packages '# whether it is enabled is not said\n'
rm -rf $top
dnf -y -q --setopt=obsoletes=0 install odd-plain-1 odd-old odd-stays
systemctl daemon-reload
systemctl -q enable --now odd-plain odd-old 2>/dev/null
