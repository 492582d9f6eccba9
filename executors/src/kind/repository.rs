//! `repository`: repositories are enabled and disabled, and the release is pinned.

use crate::host::act_error::ActError;
use crate::host::guard;
use crate::host::{OnHost, Special};
use crate::ssh::quoted;
use palinode_core::action::{Repository, Secret};
use palinode_core::port::{Bodies, Job};
use std::fmt::Write as _;

/// What repositories are, for looks and jobs alike.
pub(crate) const REPOS: &str = include_str!("repository.sh");

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

impl OnHost for Repository {
    /// Nothing is changed before every id is known. The release is set first, for that may still be refused.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let ids: Vec<String> = self.wanted().map(|(id, _)| quoted(id)).collect();
        let mut act = format!("{REPOS}{EDIT}known=$(p_repos)\n");
        if !ids.is_empty() {
            let _ = write!(
                act,
                "for id in {}; do case \"\n$known\n\" in *\"\n$id \"[01]\"\n\"*) ;; \
                 *) echo \"there is no repository $id\" >&2; exit 1 ;; esac; done\n",
                ids.join(" ")
            );
        }
        if let Some(pinned) = self.pinned() {
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
        for (id, on) in self.wanted() {
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
        Ok(act)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        let mut all = vec![guard::owned("/etc/yum.repos.d/any.repo")];
        if self.pinned().is_some() {
            all.push("name \"$(p_release_file)\" owned".to_owned());
        }
        all
    }

    fn functions(&self) -> &'static str {
        REPOS
    }

    fn special(&self) -> Special<'_> {
        Special::Plain
    }

    fn brings(&self) -> String {
        "p_bring /etc /var/lib\n".to_owned()
    }
}
