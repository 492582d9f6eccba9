//! `file.copy`: one file takes the content of another.

use crate::host::act_error::ActError;
use crate::host::guard;
use crate::host::{OnHost, bounded};
use crate::ssh::quoted;
use palinode_core::action::{FileCopy, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for FileCopy {
    /// As `cp -f` does it: of a file that is there mode, owner and all it carries stay; never half of the content.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let (from, to) = (quoted(&self.from), quoted(&self.to));
        let mut act = format!(
            "from={from} to={to}\n\
             if [ ! -f \"$from\" ]; then echo \"$from: No such file\" >&2; exit 1; fi\n{}",
            bounded("from")
        );
        if self.resolver {
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
        Ok(act)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        vec![guard::replaced(&self.to)]
    }

    fn brings(&self) -> String {
        guard::folders([guard::folder(&self.to)])
    }
}
