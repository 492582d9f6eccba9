//! Options of ssh that an inventory may set.

/// Why a value of one of these variables cannot be followed; none if it can.
pub(crate) type Judge = fn(&str) -> Option<&'static str>;

/// What an inventory can say of reaching a host, or of becoming root there, that Palinode does in one way only.
pub(crate) const REFUSED: [(&[&str], Judge); 9] = [
    (&["ansible_connection"], |text| {
        let text = text.rsplit('.').next().unwrap_or_default();
        let why = "is no connection by ssh, and Palinode has no other; leave it away, or leave the host out";
        (!["ssh", "smart", "paramiko", "paramiko_ssh"].contains(&text)).then_some(why)
    }),
    (&["ansible_become"], |text| {
        let known = ["true", "false", "yes", "no", "on", "off", "1", "0", "y", "n", "t", "f"];
        (!known.contains(&text.to_ascii_lowercase().as_str())).then_some("is neither true nor false")
    }),
    (&["ansible_become_method", "ansible_ssh_become_method"], |text| {
        let text = text.rsplit('.').next().unwrap_or_default();
        (text != "sudo").then_some("is not `sudo`, by which alone Palinode becomes root: log in as root, or allow sudo")
    }),
    (&["ansible_become_user", "ansible_sudo_user"], |text| {
        (text != "root").then_some("is not `root`, who alone Palinode becomes")
    }),
    (&["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"], |_| {
        Some(
            "is not used: Palinode hands sudo no password, so `sudo -n` must be allowed without one, or the login be root",
        )
    }),
    (&["ansible_become_exe", "ansible_sudo_exe"], |text| {
        let known = ["sudo", "/usr/bin/sudo"].contains(&text);
        (!known).then_some("is not `sudo`, by which alone Palinode becomes root")
    }),
    (&["ansible_become_flags", "ansible_sudo_flags"], |text| {
        let known = text.split_whitespace().all(|word| ["-H", "-S", "-n", "-HSn"].contains(&word));
        (!known).then_some("holds flags of sudo that Palinode does not give it")
    }),
    (&["ansible_ssh_password", "ansible_ssh_pass", "ansible_password"], |_| {
        Some("is not used: Palinode logs in with a key and never with a password")
    }),
    (&["ansible_ssh_executable"], |text| {
        let known = ["ssh", "/usr/bin/ssh"].contains(&text);
        (!known).then_some("is another program than `ssh`, by which alone hosts are reached")
    }),
];

/// ssh fills in `%` and `${}` in the name of a file.
pub(super) fn key(text: &str) -> Option<&'static str> {
    let bad = |c: char| c.is_control() || palinode_core::shown::is_bidi(c) || "\"\\%$".contains(c);
    let good = text.len() <= 1000 && !text.starts_with('-') && !text.chars().any(bad);
    (!good).then_some("is no plain name of a file")
}
