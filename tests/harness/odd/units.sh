# Units that hang together, and some that do not come back by themselves. Run as root, once, on a machine that is up.
set -e
export LC_ALL=C
unit() { # NAME: from standard input
  cat >"/etc/systemd/system/$1"
}
service() { # NAME [UNIT-LINES]
  printf '[Unit]\nDescription=%s\n%b[Service]\nExecStart=/bin/sleep 90001\n[Install]\nWantedBy=multi-user.target\n' "$1" "${2:-}" |
    unit "odd-$1.service"
}
# Units that others pull along, and that pull others along.
service base
service needs 'Requires=odd-base.service\nAfter=odd-base.service\n'
service bound 'BindsTo=odd-base.service\nAfter=odd-base.service\n'
service part 'PartOf=odd-base.service\nAfter=odd-base.service\n'
service wants 'Wants=odd-wanted.service\n'
service wanted
service rival 'Conflicts=odd-wanted.service\n'
service masked
mv /etc/systemd/system/odd-masked.service /usr/lib/systemd/system/ # what is in /etc cannot be masked
service stopped
# A template, a socket, a timer, a path, one that ends and counts as active, one that fails, one that leaves processes.
printf '[Service]\nExecStart=/bin/sleep 9000%%i\n[Install]\nWantedBy=multi-user.target\n' | unit odd-many@.service
printf '[Socket]\nListenStream=/run/odd.sock\n[Install]\nWantedBy=sockets.target\n' | unit odd-awake.socket
printf '[Service]\nExecStart=/bin/sleep 90002\n' | unit odd-awake.service
printf '[Timer]\nOnActiveSec=9000h\nUnit=odd-base.service\n[Install]\nWantedBy=timers.target\n' | unit odd-tick.timer
printf '[Path]\nPathExists=/srv/odd/never\nUnit=odd-base.service\n[Install]\nWantedBy=multi-user.target\n' | unit odd-look.path
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' | unit odd-once.service
printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' | unit odd-fails.service
printf '[Service]\nKillMode=process\nExecStart=/bin/sh -c "sleep 90003 & exec sleep 90004"\n[Install]\nWantedBy=multi-user.target\n' |
  unit odd-leaves.service
systemctl daemon-reload
systemctl -q enable odd-base odd-part odd-many@1 odd-tick.timer odd-once 2>/dev/null
systemctl start odd-base odd-needs odd-bound odd-part odd-wants odd-many@1 odd-many@2 odd-awake.socket odd-tick.timer odd-look.path odd-once
systemctl start odd-leaves
systemctl start odd-fails 2>/dev/null || true
systemctl -q mask odd-masked 2>/dev/null
