//! What an action does on a host, as a piece of shell: the body of a job's program.

use super::guard;
use crate::gluster;
use crate::secrets;
use crate::ssh::{NAMED, encoded, quoted};
use palinode_core::action::{
    Action, Awaited, Command, DnsCheck, Fetch, FileAbsent, FileCopy, FileRead, FileRestore, FileWrite, Package,
    PackageState, Repository, Secret, Service, ServiceState, Shown, Target, Wait, Word,
};
use palinode_core::id::ResourceKey;
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::{Nevra, State};
use palinode_core::span::Span;
use std::fmt::Write as _;

/// So long may a file or an archive be that is read from a host or brought to one.
pub(crate) const LIMIT: usize = 32 << 20;

/// What a job is to do; else why it cannot be said. It looks first whether it may, and has what it did on the disk before
/// it ends, also if it failed half-way.
pub(crate) fn act(job: &Job, bodies: &dyn Bodies) -> Result<String, String> {
    const DISK: &str = include_str!("disk.sh");
    const WORK: &str = include_str!("work.sh");
    let act = doing(job, bodies)?;
    let (checks, brings) = (guard::checks(&job.action), guard::brings(&job.action));
    if brings.is_empty() {
        return Ok(act);
    }
    Ok(format!("{checks}{DISK}{WORK}(\n{act}\n)\np_rc=$?\n{brings}exit $p_rc\n"))
}

fn doing(job: &Job, bodies: &dyn Bodies) -> Result<String, String> {
    match &job.action {
        Action::Record(_) => Ok(":".to_owned()),
        Action::Service(service) => Ok(self::service(service)),
        Action::Package(package) => Ok(self::package(package)),
        Action::Repository(repository) => Ok(self::repository(repository)),
        Action::Wait(wait) => self::wait(wait),
        Action::Fetch(fetch) => Ok(self::fetch(fetch)),
        Action::FileAbsent(file) => Ok(absent(file)),
        Action::FileCopy(file) => Ok(copy(file)),
        Action::FileWrite(file) => Ok(write(file)),
        Action::FileRead(file) => Ok(read(file)),
        Action::FileRestore(file) => restore(file, bodies),
        Action::Command(command) => run(command),
        Action::GlusterHeal(heal) => Ok(gluster::query(heal)),
        Action::DnsCheck(check) => Ok(names(check)),
        Action::Reboot {} => Ok(reboot(job)),
        other => Err(format!("`{}` is not done on a host", other.name())),
    }
}

/// A unit may leave behind what it ran, as CRI-O leaves containers: stopped means that nothing of it runs.
const EMPTY: &str = r#"cg=$(systemctl show -p ControlGroup -- "$u"); cg=${cg#*=}
case $cg in */"$u") ;; *) cg=/system.slice/$u ;; esac
left() {
  for at in "/sys/fs/cgroup/systemd$cg" "/sys/fs/cgroup/unified$cg" "/sys/fs/cgroup$cg"; do
    if [ -d "$at" ]; then find "$at" -name cgroup.procs -exec cat {} + 2>/dev/null; fi
  done | sort -u
}
if [ -n "$(left)" ]; then
  echo "$u left processes behind, which are ended now:"
  for pid in $(left); do printf '%s %s
' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
  kill -TERM $(left) 2>/dev/null
  n=0
  while [ -n "$(left)" ] && [ $n -lt 200 ]; do
    sleep 0.1
    n=$((n + 1))
    if [ $n = 100 ]; then kill -KILL $(left) 2>/dev/null; fi
  done
  if [ -n "$(left)" ]; then echo "$u still has processes" >&2; exit 1; fi
fi
"#;

/// Units are known under their own name: systemctl refuses to change one by an alias. Before one of several is started,
/// all are there.
fn service(service: &Service) -> String {
    let names: Vec<String> = service.names().map(quoted).collect();
    let wanted = service.state == Some(ServiceState::Started) || service.enabled == Some(true);
    let absent = if wanted {
        "echo \"Unit $u not found\" >&2; exit 5"
    } else {
        "echo \"$u: there is no such unit, nothing to do\"; continue"
    };
    let each = format!("for name in {}; do\nu=$(p_named \"$name\")\n", names.join(" "));
    let known = format!(
        "shown=$(systemctl show -p Id -p LoadState -- \"$u\") || exit\n\
         case $shown in *LoadState=not-found*) {absent} ;; esac\n"
    );
    let mut act = NAMED.to_owned();
    if wanted && names.len() > 1 {
        let _ = writeln!(act, "{each}{known}done");
    }
    let _ = writeln!(act, "{each}{known}u=$(printf '%s\\n' \"$shown\" | sed -n 's/^Id=//p')");
    match service.state {
        Some(ServiceState::Stopped) => {
            act.push_str("systemctl stop -- \"$u\" || exit\n");
            act.push_str(EMPTY);
        }
        Some(ServiceState::Started) => act.push_str("systemctl start -- \"$u\" || exit\n"),
        None => {}
    }
    match service.enabled {
        Some(true) => act.push_str("systemctl enable -- \"$u\" || exit\n"),
        Some(false) => act.push_str(
            "case $(systemctl show -p UnitFileState -- \"$u\") in *= | *=static | *=indirect | *=generated | *=transient) ;; \
             *) systemctl disable -- \"$u\" ;; esac || exit\n",
        ),
        None => {}
    }
    act.push_str("done\n");
    act
}

/// Only what was named goes. What the package manager's own history calls it is said at the end.
fn package(package: &Package) -> String {
    const YUM: &str = "\"$yum\" -y --setopt=exit_on_lock=1 --setopt=clean_requirements_on_remove=0";
    const ALL: &str = include_str!("packages.sh");
    let list = |all: &[String]| all.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" ");
    if package.state == PackageState::Absent {
        let names: Vec<String> = package.names.iter().map(|item| Package::base_name(item).to_owned()).collect();
        let names = list(&names);
        return format!(
            "{ALL}set --; for name in {names}; do if rpm -q -- \"$name\" >/dev/null 2>&1; then set -- \"$@\" \"$name\"; fi; done\n\
             if [ $# = 0 ]; then echo 'none of them is installed, nothing to do'; exit 0; fi\n\
             was=$(latest)\n\
             {YUM} --disableexcludes=all remove \"$@\" || exit\n\
             for name; do if rpm -q -- \"$name\"; then exit 1; fi; done\n\
             told \"$was\"\nexit 0\n"
        );
    }
    let mut act = ALL.to_owned();
    let exact: Vec<String> = package.exact.iter().map(Nevra::to_string).collect();
    let exact = list(&exact);
    if !exact.is_empty() {
        // In one transaction; a version older than the installed one is a downgrade, which yum wants to be told.
        let _ = write!(
            act,
            "missing() {{ set --; for p in {exact}; do if ! rpm -q --qf '%{{NAME}}-%|EPOCH?{{%{{EPOCH}}}}:{{0}}|:%{{VERSION}}-%{{RELEASE}}.%{{ARCH}}\\n' \
             -- \"${{p%-[0-9]*:*}}\" 2>/dev/null | grep -Fqx -- \"$p\"; then set -- \"$@\" \"$p\"; fi; done; echo \"$*\"; }}\n\
             left=$(missing)\nlocked $left\n"
        );
    }
    act.push_str("was=$(latest)\n");
    if !package.names.is_empty() {
        let _ = writeln!(act, "{YUM} install {} || exit", list(&package.names));
    }
    if !exact.is_empty() {
        let _ = write!(
            act,
            "if [ -n \"$left\" ]; then\n\
             {YUM} --disableexcludes=all install $left || exit\n\
             left=$(missing)\n\
             if [ -n \"$left\" ]; then {YUM} --disableexcludes=all downgrade $left || exit; fi\n\
             left=$(missing)\n\
             if [ -n \"$left\" ]; then echo \"not installed: $left\" >&2; exit 1; fi\n\
             else echo 'all of them are installed, nothing to do'; fi\n",
        );
    }
    act.push_str("told \"$was\"\nexit 0\n");
    act
}

/// The exit code of a wait whose time is up.
pub(crate) const TIMED_OUT: i32 = 124;

fn wait(wait: &Wait) -> Result<String, String> {
    const LOOKS: &str = include_str!("wait.sh");
    let seconds = |span: Span| span.micros().0 / 1_000_000;
    let looks = match wait.what() {
        Some(Awaited::Port(port)) => format!("listens {port}"),
        Some(Awaited::Path(path)) => format!("is_there {}", quoted(path)),
        Some(Awaited::Unit(unit)) => format!("runs {}", quoted(unit)),
        Some(Awaited::Time(span)) => return Ok(format!("sleep {}\n", seconds(span))),
        None => return Err("nobody knows what to wait for".to_owned()),
    };
    Ok(format!("{NAMED}{LOOKS}until_they_hold {} {looks}\n", seconds(wait.timeout)))
}

/// What is fetched is what the job prints, and is kept as that. A directory is packed twice: first to know how much it
/// comes to; not even that if its files say that they are longer.
fn fetch(fetch: &Fetch) -> String {
    format!(
        "path={}\n\
         large() {{ if [ \"$1\" -gt {limit} ]; then echo \"$path holds $1 bytes, and no more than {limit} are fetched\" >&2; exit 1; fi; }}\n\
         pack() {{ tar -cf - --format=posix --acls --selinux --xattrs . 2>/dev/null; }}\n\
         if [ -f \"$path\" ]; then large \"$(stat -L -c %s -- \"$path\")\"; cat -- \"$path\"\n\
         elif [ -d \"$path\" ]; then cd -- \"$path\" || exit; large \"$(du -s -B1 --apparent-size . | cut -f1)\"; large \"$(pack | wc -c)\"; pack\n\
         elif [ -e \"$path\" ]; then echo \"$path is neither a file nor a directory\" >&2; exit 1\n\
         else ls -d -- \"$path\" >/dev/null; exit 1; fi\n",
        quoted(&fetch.path),
        limit = Fetch::LIMIT,
    )
}

/// What repositories are, for looks and jobs alike.
pub(crate) const REPOS: &str = include_str!("repos.sh");

/// How one is enabled where no program knows it better: in its file, by its own line, renamed into place.
const EDIT: &str = r#"edit() {
  for f in /etc/yum.repos.d/*.repo; do
    if ! [ -f "$f" ] || ! p_repos_in "$f" | grep -Fqx -e "$1 0" -e "$1 1"; then continue; fi
    if [ -L "$f" ]; then echo "$f is a symbolic link, and a change goes through no link: make it a file" >&2; return 1; fi
    p_beside "$f"
    cp -a -- "$f" "$new" || return
    awk -v id="$1" -v on="$2" '
      FNR == 1 { inside = 0 }
      /^[ \t]*\[/ {
        name = $0; sub(/^[ \t]*\[/, "", name); sub(/\].*/, "", name); inside = name == id; head = 1
      }
      NR == FNR { if (inside && /^[ \t]*enabled[ \t]*=/) has = 1; head = 0; next }
      inside && /^[ \t]*enabled[ \t]*=/ { print "enabled=" on; next }
      { print; if (head && inside && !has) print "enabled=" on; head = 0 }
    ' "$f" "$f" >"$new" || return
    p_kept "$new" "$f"
    mv -fT -- "$new" "$f" && rmdir -- "$box" || return
  done
}
"#;

/// Nothing is changed before every id is known. The release is set first, for that may still be refused.
fn repository(repository: &Repository) -> String {
    let ids: Vec<String> = repository.wanted().map(|(id, _)| quoted(id)).collect();
    let mut act = format!("{REPOS}{EDIT}known=$(p_repos)\n");
    if !ids.is_empty() {
        let _ = write!(
            act,
            "for id in {}; do case \"\n$known\n\" in *\"\n$id \"[01]\"\n\"*) ;; \
             *) echo \"there is no repository $id\" >&2; exit 1 ;; esac; done\n",
            ids.join(" ")
        );
    }
    if let Some(pinned) = repository.pinned() {
        let release = quoted(pinned.unwrap_or_default());
        let _ = write!(
            act,
            "release={release}\nif [ \"$(p_release)\" != \"$release\" ]; then\n\
                 if command -v subscription-manager >/dev/null; then\n\
                 if [ -n \"$release\" ]; then subscription-manager release --set=\"$release\"; else subscription-manager release --unset; fi || exit\n\
                 else\nf=$(p_release_file)\n\
                 if [ -n \"$release\" ]; then mkdir -p \"${{f%/*}}\" && p_beside \"$f\" && printf '%s\\n' \"$release\" >\"$new\" && chmod 644 \"$new\" && mv -fT \"$new\" \"$f\"; \
                 else rm -f \"$f\"; fi || exit\nfi\nfi\n"
        );
    }
    act.push_str("managed=\n");
    for (id, on) in repository.wanted() {
        // Of those that subscription-manager writes, all are changed by one call.
        let (id, verb) = (quoted(id), if on { "enable" } else { "disable" });
        let _ = write!(
            act,
            "id={id} on={on}\ncase \"\n$known\n\" in *\"\n$id $on\n\"*) ;; *)\n\
             if command -v subscription-manager >/dev/null && [ -f /etc/yum.repos.d/redhat.repo ] && \
             p_repos_in /etc/yum.repos.d/redhat.repo | grep -Fqx \"$id $((1 - on))\"; then managed=\"$managed --{verb}=$id\"\n\
             elif command -v yum-config-manager >/dev/null; then yum-config-manager --{verb} \"$id\" >/dev/null || exit\n\
             elif dnf config-manager --help >/dev/null 2>&1; then dnf config-manager --set-{verb}d \"$id\" || exit\n\
             else edit \"$id\" \"$on\" || exit\nfi ;; esac\n",
            on = u8::from(on),
        );
    }
    act.push_str("if [ -n \"$managed\" ]; then subscription-manager repos $managed || exit; fi\n");
    act
}

fn absent(file: &FileAbsent) -> String {
    let mut act = String::new();
    for path in &file.paths {
        let _ = match path.strip_suffix("/*") {
            Some(dir) => writeln!(
                act,
                "if [ -d {dir} ]; then find {dir} -xdev -mindepth 1 -maxdepth 1 -print -exec rm -rf --one-file-system -- {{}} + || exit; fi",
                dir = quoted(dir.trim_end_matches('/'))
            ),
            None => writeln!(
                act,
                "if [ -e {path} ] || [ -L {path} ]; then printf '%s\\n' {path}; rm -rf --one-file-system -- {path} || exit; fi",
                path = quoted(path.trim_end_matches('/'))
            ),
        };
    }
    act
}

/// As `cp -f` does it: of a file that is there mode, owner and all it carries stay; never half of the content.
fn copy(file: &FileCopy) -> String {
    let (from, to) = (quoted(&file.from), quoted(&file.to));
    let mut act = format!(
        "from={from} to={to}\n\
         if [ ! -f \"$from\" ]; then echo \"$from: No such file\" >&2; exit 1; fi\n{}",
        bounded("from")
    );
    if file.resolver {
        act.push_str(
            "own=$(hostname -I 2>/dev/null)\n\
             good=$(sed -n 's/^[[:space:]]*nameserver[[:space:]]\\{1,\\}\\([^[:space:]]*\\).*/\\1/p' \"$from\" | while read -r ip; do\n\
             case \" $own \" in *\" $ip \"*) continue ;; esac\n\
             case $ip in 127.* | ::1) continue ;; esac\n\
             echo yes\ndone)\n\
             if [ -z \"$good\" ]; then echo \"$from names no name server but the host itself\" >&2; exit 1; fi\n",
        );
    }
    act.push_str(
        "if [ -f \"$to\" ] && [ ! -L \"$to\" ] && cmp -s -- \"$from\" \"$to\"; then echo 'the same already, nothing to do'; exit 0; fi\n\
         p_beside \"$to\"\n\
         if [ -f \"$to\" ] && [ ! -L \"$to\" ]; then\n\
         cp -a -- \"$to\" \"$new\" && [ -f \"$new\" ] && [ ! -L \"$new\" ] && cat -- \"$from\" >\"$new\"\n\
         else\ncat -- \"$from\" >\"$new\" && chmod 644 \"$new\"\nfi || exit 1\n\
         p_kept \"$new\" \"$to\"\n\
         mv -fT -- \"$new\" \"$to\"\n",
    );
    act
}

/// Of a file that is there stays what is not said. A mode goes with a change of owner, and is given again.
fn write(file: &FileWrite) -> String {
    let path = quoted(&file.path);
    let owner = file.owner.as_deref().map(quoted).unwrap_or_default();
    let mode = file.mode.as_deref().map(quoted).unwrap_or_default();
    format!(
        "to={path} owner={owner} mode={mode} fresh=\n\
         if [ ! -d \"${{to%/*}}/\" ]; then echo \"${{to%/*}}: No such file or directory\" >&2; exit 1; fi\n\
         if [ -d \"$to\" ] && [ ! -L \"$to\" ]; then echo \"$to is a directory\" >&2; exit 1; fi\n\
         p_beside \"$to\"\n\
         if [ -f \"$to\" ] && [ ! -L \"$to\" ]; then\n\
         cp -a -- \"$to\" \"$new\" && [ -f \"$new\" ] && [ ! -L \"$new\" ] && mode=${{mode:-$(stat -c %a -- \"$to\")}}\n\
         else\n(umask 077; : >\"$new\") && mode=${{mode:-644}}\nfi || exit\n\
         base64 -d >\"$new\" <<'palinode' || exit 1\n{}\npalinode\n\
         if [ -n \"$owner\" ]; then chown -h -- \"$owner\" \"$new\" || exit 1; fi\n\
         chmod -- \"$mode\" \"$new\" || exit\n\
         if [ -f \"$to\" ] && [ ! -L \"$to\" ] && cmp -s -- \"$new\" \"$to\" &&\n\
         [ \"$(stat -c '%a %u %g' -- \"$new\")\" = \"$(stat -c '%a %u %g' -- \"$to\")\" ]; then\n\
         echo 'the same already, nothing to do'; exit 0\nfi\n\
         p_kept \"$new\" \"$to\"\n\
         [ -f \"$to\" ] && [ ! -L \"$to\" ] || fresh=1\n\
         mv -fT -- \"$new\" \"$to\" || exit\n\
         if [ -n \"$fresh\" ] && command -v restorecon >/dev/null; then restorecon -- \"$to\"; fi\n",
        encoded(file.content.as_bytes())
    )
}

fn read(file: &FileRead) -> String {
    format!(
        "path={} key={}\n{}line=$(grep -m 1 \"^[[:space:]]*$key=\" -- \"$path\") || {{ rc=$?; \
         if [ $rc = 1 ]; then echo \"$path has no line $key=\" >&2; fi; exit $rc; }}\n\
         printf '%s\\n' \"${{line#*=}}\"\n",
        quoted(&file.path),
        quoted(&file.key),
        bounded("path"),
    )
}

/// What a user of the host may have laid out is not waited for, and not read without an end. One that is not there is for
/// what follows to say.
fn bounded(variable: &str) -> String {
    format!(
        "if [ -e \"${variable}\" ] && [ ! -f \"${variable}\" ]; then echo \"${variable} is no file\" >&2; exit 1; fi\n\
         if [ -f \"${variable}\" ] && [ \"$(stat -L -c %s -- \"${variable}\")\" -gt {LIMIT} ]; then \
         echo \"${variable} is longer than {} MiB\" >&2; exit 1; fi\n",
        LIMIT >> 20
    )
}

/// What a package manager's own history calls the transaction of a job that printed this.
pub(crate) fn transaction(out: &[u8]) -> Option<String> {
    let last = String::from_utf8_lossy(guard::unsynced(out).0).lines().last().map(str::to_owned);
    last.filter(|line| line.starts_with("transaction "))
}

/// The value that a `file.read` printed.
pub(crate) fn value(out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok()?.lines().next()?;
    Some(text.trim().trim_matches('"').to_owned())
}

/// What is there is replaced in one move; a directory is laid out beside it first.
fn restore(file: &FileRestore, bodies: &dyn Bodies) -> Result<String, String> {
    let path = file.path.trim_end_matches('/');
    let head = format!("to={}\n", quoted(path));
    let beside = format!("{head}mkdir -p -- \"${{to%/*}}/\" || exit\np_beside \"$to\"\n");
    let content = |id| bodies.get(id).map_err(|error| format!("the recorded content cannot be opened: {error}"));
    // What another process put in the way is moved aside, not into; it returns if nothing takes its place.
    let swap = "if [ -d \"$to\" ] && [ ! -L \"$to\" ]; then mv -T -- \"$to\" \"$old\" || exit; fi\n\
                if ! mv -fT -- \"$new\" \"$to\"; then if [ -d \"$old\" ]; then mv -T -- \"$old\" \"$to\"; fi; exit 1; fi\n";
    Ok(match &file.state {
        State::Absent => format!("{head}rm -rf --one-file-system -- \"$to\"\n"),
        State::Link { target } => {
            format!("{beside}ln -sT -- {} \"$new\" || exit\n{swap}", quoted(target))
        }
        State::File { mode, owner, body, mtime, attributes, .. } => {
            let carried = attributes.map(content).transpose()?.unwrap_or_default();
            let (carried, labelled) = carried_back(&String::from_utf8_lossy(&carried))?;
            let time = mtime.map_or_else(String::new, |time| format!("touch -d {} -- \"$new\" || exit\n", stamp(time)));
            // What a directory hands down to new files is none of this one's.
            let bare = "if command -v setfattr >/dev/null; then setfattr -x system.posix_acl_access -- \"$new\" 2>/dev/null; fi\n";
            let label = "if command -v restorecon >/dev/null; then restorecon -- \"$to\"; fi\n";
            format!(
                "{beside}(umask 077; base64 -d >\"$new\") <<'palinode' || exit\n{}\npalinode\n\
                 {bare}chown -h -- {} \"$new\" && chmod {mode:o} \"$new\" || exit\n{carried}{time}\
                 p_kept \"$new\" \"$to\"\n{swap}{}",
                encoded(&content(*body)?),
                quoted(owner),
                if labelled { "" } else { label },
            )
        }
        State::Tree { body, .. } => format!(
            "{beside}mkdir -- \"$new\" || exit\n\
             base64 -d <<'palinode' | tar -xpf - -C \"$new\" --numeric-owner --same-owner --acls --selinux --xattrs --xattrs-include='*' 2>/dev/null || exit\n{}\npalinode\n\
             p_kept_all \"$new\" || {{ echo \"$to could not be brought to the disk; it is as it was\" >&2; exit 1; }}\n\
             {swap}",
            encoded(&content(*body)?)
        ),
        other => return Err(format!("`{other}` is nothing that can be put at a path")),
    })
}

/// Name and value of a line about what a file carries: `NAME=0xHEX`.
pub(crate) fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.rsplit_once('=')?;
    let hex = value.strip_prefix("0x")?;
    let good = hex.len().is_multiple_of(2) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (good && name.contains('.') && !name.contains(char::is_control)).then_some((name, value))
}

/// Gives a file what it carried; and whether a security context is among it.
fn carried_back(lines: &str) -> Result<(String, bool), String> {
    let mut act = String::new();
    let mut labelled = false;
    for line in lines.lines() {
        let (name, value) = attribute(line).ok_or("the recorded attributes are none")?;
        labelled |= name == "security.selinux";
        let _ = writeln!(act, "setfattr -n {} -v {value} -- \"$new\" || exit", quoted(name));
    }
    Ok((act, labelled))
}

/// A time as `touch -d` reads it.
fn stamp(nanoseconds: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let (sign, all) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    format!("@{sign}{}.{:09}", all / SECOND, all % SECOND)
}

/// No shell reads the words: they are handed on as they are. A secret is a file in the job's own folder, which only root
/// may enter, unless the runbook says where it may be seen.
fn run(command: &Command) -> Result<String, String> {
    let program = command.run.first().and_then(Word::text);
    if program.is_none_or(|program| program.is_empty() || program.starts_with('-')) {
        return Err("the command has no name of a program".to_owned());
    }
    let read = |secret: &Secret| secrets::read(secret).map_err(|why| secrets::named(secret, &why));
    let text = |secret: &Secret| secrets::text(secret).map_err(|why| secrets::named(secret, &why));
    let (mut laid, mut count) = (String::new(), 0);
    let mut lay = |bytes: &[u8]| {
        let file = format!("\"$p_d/secret.{count}\"");
        count += 1;
        let _ = writeln!(laid, "(umask 077; base64 -d >{file}) <<'palinode' || exit 74\n{}\npalinode", encoded(bytes));
        file
    };
    let mut words = Vec::new();
    for word in &command.run {
        words.push(match word {
            Word::Text(text) => quoted(text),
            Word::Secret(secret) if secret.shown == Some(Shown::Argument) => quoted(&text(secret)?),
            Word::Secret(secret) => lay(&read(secret)?),
        });
    }
    let stdin = command.stdin.as_ref().map(read).transpose()?.map(|bytes| lay(&bytes));
    let mut sets = String::new();
    for (name, secret) in &command.environment {
        let _ = writeln!(sets, "{name}={}\nexport {name}", quoted(&text(secret)?));
    }
    let words = words.join(" ");
    if count == 0 {
        return Ok(format!("{sets}exec {words}\n"));
    }
    let stdin = stdin.map_or_else(String::new, |file| format!(" <{file}"));
    // Whatever it is called, it is a program and no function of the shell. What is set in its environment may have the name
    // of a variable of the job.
    Ok(format!("{laid}set -- {words}\n({sets}exec \"$@\"){stdin}\nrc=$?\nrm -f \"$p_d\"/secret.*\nexit $rc\n"))
}

fn names(check: &DnsCheck) -> String {
    let names: Vec<String> = check.names.iter().map(|name| quoted(name)).collect();
    format!(
        "bad=\nfor name in {}; do if ! timeout 20 getent ahostsv4 \"$name\" >/dev/null; then bad=\"$bad $name\"; fi; done\n\
         if [ -n \"$bad\" ]; then echo \"cannot resolve$bad\" >&2; exit 1; fi\n",
        names.join(" ")
    )
}

/// The boot that a reboot is to end: the one before the first attempt.
pub(crate) fn old_boot(job: &Job) -> Option<&str> {
    let Target { host: Some(host), .. } = &job.target else { return None };
    match job.before.get(&ResourceKey::boot(host)) {
        Some(State::Boot { id }) => Some(id),
        _ => job.boot.as_deref(),
    }
}

fn reboot(job: &Job) -> String {
    let old = quoted(old_boot(job).unwrap_or_default());
    format!(
        "if [ \"$(cat /proc/sys/kernel/random/boot_id)\" != {old} ]; then echo 'rebooted already, nothing to do'; exit 0; fi\n\
         if [ -d /run/systemd/system ]; then systemctl --no-block reboot; else reboot; fi\n"
    )
}

#[cfg(test)]
mod tests {
    use super::run as run_of;
    use super::*;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn times_are_written_as_touch_reads_them() {
        let table =
            [(0, "@0.000000000"), (-1_500_000_000, "@-1.500000000"), (981_173_106_000_000_001, "@981173106.000000001")];
        for (time, text) in table {
            assert_eq!(stamp(time), text);
        }
    }

    #[test]
    fn a_secret_is_seen_only_where_the_runbook_says_so() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("pw");
        std::fs::write(&file, "it's geheim\n").expect("it can be written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        let secret = |shown| Secret { secret: format!("file:{}", file.display()), shown };
        let text = |text: &str| Word::Text(text.to_owned());
        let job = |run: Vec<Word>, stdin, environment| {
            let command = Command { run, stdin, environment, ..Command::of(Vec::new(), Vec::new()) };
            let act = run_of(&command).expect("it can be said");
            std::fs::write(folder.path().join("job"), &act).expect("it can be written");
            let out = std::process::Command::new("/bin/sh")
                .args(["-c", "p_d=$1; (. \"$p_d/job\") </dev/null", "sh"])
                .arg(folder.path())
                .output()
                .expect("a shell can be started");
            assert!(!folder.path().join("secret.0").exists(), "nothing stays");
            (out.status.code(), String::from_utf8(out.stdout).expect("text"))
        };
        let script = "stat -c %a \"$1\"; cat \"$1\"; exit 3";
        let named = vec![text("/bin/sh"), text("-c"), text(script), text("sh"), Word::Secret(secret(None))];
        assert_eq!(job(named, None, BTreeMap::new()), (Some(3), "600\nit's geheim\n".to_owned()));
        assert_eq!(job(vec![text("cat")], Some(secret(None)), BTreeMap::new()), (Some(0), "it's geheim\n".to_owned()));
        let shown = vec![text("printf"), text("<%s>"), Word::Secret(secret(Some(Shown::Argument)))];
        assert_eq!(job(shown, None, BTreeMap::new()), (Some(0), "<it's geheim>".to_owned()));
        let set = BTreeMap::from([("PW".to_owned(), secret(Some(Shown::Environment)))]);
        let printed = vec![text("printenv"), text("PW")];
        assert_eq!(job(printed, None, set), (Some(0), "it's geheim\n".to_owned()));
        let both = ["p_d", "rc"].map(|name| (name.to_owned(), secret(Some(Shown::Environment)))).into();
        let named =
            vec![text("/bin/sh"), text("-c"), text("cat \"$1\"; exit 4"), text("sh"), Word::Secret(secret(None))];
        assert_eq!(job(named, None, both), (Some(4), "it's geheim\n".to_owned()), "names of the job itself");
        assert!(run_of(&Command::of(vec!["-x".to_owned()], Vec::new())).is_err());
    }

    #[test]
    fn what_a_file_carried_reaches_the_shell_as_words() {
        let (act, labelled) = carried_back("user.it's; rm=0x00ff\nsecurity.selinux=0x61\n").expect("two lines");
        assert_eq!(act.lines().count(), 2, "{act}");
        assert!(labelled && act.contains(&quoted("user.it's; rm")), "{act}");
        for bad in ["user.a=0x0", "user.a=1", "user.a=0x00; rm", "a=0x00", "user.a"] {
            assert!(carried_back(bad).is_err(), "{bad}");
        }
    }
}
