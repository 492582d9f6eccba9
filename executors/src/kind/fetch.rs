//! `fetch`: a file or a directory is printed, and kept as what the job printed.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::quoted;
use palinode_core::action::{Fetch, Secret};
use palinode_core::port::{Bodies, Job};
use palinode_core::record::Why;

impl OnHost for Fetch {
    /// What is fetched is what the job prints, and is kept as that. A directory is packed twice: first to know how much it
    /// comes to; not even that if its files say that they are longer.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(format!(
            "path={}\n\
             large() {{ if [ \"$1\" -gt {limit} ]; then echo \"$path holds $1 bytes, and no more than {limit} are fetched\" >&2; exit 1; fi; }}\n\
             pack() {{ tar -cf - --format=posix --acls --selinux --xattrs . 2>/dev/null; }}\n\
             if [ -f \"$path\" ]; then large \"$(stat -L -c %s -- \"$path\")\"; cat -- \"$path\"\n\
             elif [ -d \"$path\" ]; then cd -- \"$path\" || exit; large \"$(du -s -B1 --apparent-size . | cut -f1)\"; large \"$(pack | wc -c)\"; pack\n\
             elif [ -e \"$path\" ]; then echo \"$path is neither a file nor a directory\" >&2; exit 1\n\
             else ls -d -- \"$path\" >/dev/null; exit 1; fi\n",
            quoted(&self.path),
            limit = Fetch::LIMIT,
        ))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    /// It grew after it was measured: half of it is nothing.
    fn why(&self, code: i32, whole: bool) -> Option<Why> {
        match code {
            0 => (!whole).then_some(Why::Unmet),
            _ => Some(Why::ExitCode),
        }
    }

    fn special(&self) -> Special<'_> {
        Special::Plain
    }

    fn brings(&self) -> String {
        String::new()
    }
}
