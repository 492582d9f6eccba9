//! `file`: files and trees are removed, within one file system.

use crate::host::OnHost;
use crate::host::act_error::ActError;
use crate::host::guard;
use crate::ssh::quoted;
use palinode_core::action::{FileAbsent, Secret};
use palinode_core::port::{Bodies, Job};
use std::collections::BTreeSet;
use std::fmt::Write as _;

impl OnHost for FileAbsent {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let mut act = String::new();
        for path in &self.paths {
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
        Ok(act)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        // Another's file may go; what comes back has its owner.
        let of = |path: &String| match path.strip_suffix("/*") {
            Some(folder) => guard::emptied(folder),
            None => guard::replaced_owned(path),
        };
        self.paths.iter().map(of).collect()
    }

    fn brings(&self) -> String {
        let of = |path: &String| path.strip_suffix("/*").map_or_else(|| guard::folder(path), quoted);
        let all: BTreeSet<String> = self.paths.iter().map(of).collect();
        guard::folders(all)
    }
}
