//! `file` with a content: a new file is made beside the old one and takes its place.

use crate::host::OnHost;
use crate::host::act_error::ActError;
use crate::host::guard;
use crate::ssh::{encoded, quoted};
use palinode_core::action::{FileWrite, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for FileWrite {
    /// Of a file that is there stays what is not said. A mode goes with a change of owner, and is given again.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let path = quoted(&self.path);
        let owner = self.owner.as_deref().map(quoted).unwrap_or_default();
        let mode = self.mode.as_deref().map(quoted).unwrap_or_default();
        Ok(format!(
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
            encoded(self.content.as_bytes())
        ))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        vec![match self.owner {
            Some(_) => guard::replaced_owned(&self.path),
            None => guard::replaced(&self.path),
        }]
    }

    fn brings(&self) -> String {
        guard::folders([guard::folder(&self.path)])
    }
}
