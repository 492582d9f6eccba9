//! Arguments of ssh that an inventory gives, as lines of a configuration.

/// A line of a configuration of ssh: the option, and its value as it stands there.
pub(super) type Line = (&'static str, String);

/// How the value of an option is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Words without a character that means something to a configuration.
    Plain,
    /// The name of a file.
    File,
    /// The rest of the line: a command.
    Command,
    /// Hosts to go through.
    Jumps,
    /// How the connection is kept and shown, which is Palinode's own business: nothing follows from it.
    Dropped,
    /// Whether host keys are checked, which they always are.
    Checked,
}

/// The options that may be given.
const OPTIONS: [(&str, Form); 47] = [
    ("AddressFamily", Form::Plain),
    ("BindAddress", Form::Plain),
    ("BindInterface", Form::Plain),
    ("CASignatureAlgorithms", Form::Plain),
    ("CertificateFile", Form::File),
    ("Ciphers", Form::Plain),
    ("Compression", Form::Plain),
    ("ConnectTimeout", Form::Plain),
    ("ConnectionAttempts", Form::Plain),
    ("FingerprintHash", Form::Plain),
    ("GSSAPIAuthentication", Form::Plain),
    ("GSSAPIDelegateCredentials", Form::Plain),
    ("GlobalKnownHostsFile", Form::File),
    ("HostKeyAlgorithms", Form::Plain),
    ("HostKeyAlias", Form::Plain),
    ("HostbasedAuthentication", Form::Plain),
    ("IPQoS", Form::Plain),
    ("IdentitiesOnly", Form::Plain),
    ("IdentityAgent", Form::File),
    ("IdentityFile", Form::File),
    ("KbdInteractiveAuthentication", Form::Plain),
    ("KexAlgorithms", Form::Plain),
    ("MACs", Form::Plain),
    ("PasswordAuthentication", Form::Plain),
    ("Port", Form::Plain),
    ("PreferredAuthentications", Form::Plain),
    ("ProxyCommand", Form::Command),
    ("ProxyJump", Form::Jumps),
    ("PubkeyAcceptedAlgorithms", Form::Plain),
    ("PubkeyAcceptedKeyTypes", Form::Plain),
    ("PubkeyAuthentication", Form::Plain),
    ("RekeyLimit", Form::Plain),
    ("ServerAliveCountMax", Form::Plain),
    ("ServerAliveInterval", Form::Plain),
    ("TCPKeepAlive", Form::Plain),
    ("User", Form::Plain),
    ("UserKnownHostsFile", Form::File),
    ("BatchMode", Form::Dropped),
    ("ControlMaster", Form::Dropped),
    ("ControlPath", Form::Dropped),
    ("ControlPersist", Form::Dropped),
    ("ForwardAgent", Form::Dropped),
    ("ForwardX11", Form::Dropped),
    ("LogLevel", Form::Dropped),
    ("NumberOfPasswordPrompts", Form::Dropped),
    ("RequestTTY", Form::Dropped),
    ("StrictHostKeyChecking", Form::Checked),
];

/// The lines that arguments of ssh come to; else why they cannot be used.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, &'static str> {
    if text.chars().any(|c| c.is_control() || palinode_core::shown::is_bidi(c)) || text.len() > 4000 {
        return Err("holds control characters or is too long");
    }
    let words = shlex::split(text).ok_or("has a quote without its end")?;
    let mut lines = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Err("holds a word that is no option of ssh");
        };
        let (letter, rest) = rest.split_at(rest.chars().next().map_or(0, char::len_utf8));
        let mut value = || match rest {
            "" => words.next().ok_or("ends with an option that wants a value"),
            rest => Ok(rest.to_owned()),
        };
        let found = match letter {
            "o" => Some(option(&value()?)?),
            "J" => Some(named("ProxyJump", &value()?)?),
            "i" => Some(named("IdentityFile", &value()?)?),
            "l" => Some(named("User", &value()?)?),
            "p" => Some(named("Port", &value()?)?),
            _ if !rest.is_empty() => {
                return Err("holds options of ssh in one word, which Palinode does not take apart");
            }
            "C" => Some(named("Compression", "yes")?),
            "4" => Some(named("AddressFamily", "inet")?),
            "6" => Some(named("AddressFamily", "inet6")?),
            // How much ssh says, and what a command that needs no terminal does not need.
            "q" | "v" | "T" | "a" | "x" => None,
            _ => {
                return Err(
                    "holds an option of ssh that Palinode does not take: it takes -J, -o, -i, -l, -p, -C, -4 and -6",
                );
            }
        };
        lines.extend(found.flatten());
    }
    Ok(lines)
}

/// `NAME=VALUE`, or `NAME VALUE`.
fn option(text: &str) -> Result<Option<Line>, &'static str> {
    let end = text.find(['=', ' ']).ok_or("holds an option without a value")?;
    let (name, value) = text.split_at(end);
    let value = value.trim_start();
    named(name, value.strip_prefix('=').unwrap_or(value).trim())
}

fn named(name: &str, value: &str) -> Result<Option<Line>, &'static str> {
    let known = OPTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (name, form) = known.ok_or("holds an option of ssh's configuration that Palinode does not take")?;
    if value.is_empty() || value.starts_with('-') {
        return Err("holds an option of ssh's configuration whose value is none");
    }
    let plain = |extra: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
    let written = match form {
        Form::Dropped => return Ok(None),
        Form::Checked if value.eq_ignore_ascii_case("yes") => return Ok(None),
        Form::Checked => {
            return Err("turns the check of host keys off; Palinode always checks them, so put the key into \
                        known_hosts and leave the option away");
        }
        Form::Plain if plain(".-_@:,+*=^/% ") && !value.contains('%') => format!("\"{value}\""),
        Form::File if value == "/dev/null" => {
            return Err("forgets which host keys are known; Palinode always checks them");
        }
        Form::File if super::options::key(value).is_none() => format!("\"{value}\""),
        Form::Jumps if plain(".-_@:,[]") => value.to_owned(),
        // As ssh reads it to the end of the line. It is run on this machine, as Ansible has it run.
        Form::Command => value.to_owned(),
        _ => return Err("holds an option of ssh's configuration whose value Palinode cannot hand on"),
    };
    Ok(Some((name, written)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_lines_of_a_configuration() {
        let written = |text: &str| -> Result<String, &'static str> {
            let lines = lines(text)?;
            Ok(lines.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join("; "))
        };
        for (text, wanted) in [
            ("", ""),
            ("-J bastion", "ProxyJump bastion"),
            ("-Jops@bastion:2222,[fe80::1]:22", "ProxyJump ops@bastion:2222,[fe80::1]:22"),
            ("-o ProxyJump=bastion -o Port=2222", "ProxyJump bastion; Port \"2222\""),
            ("-oproxyjump=b -o 'Port 22' -o \"User = ops\"", "ProxyJump b; Port \"22\"; User \"ops\""),
            ("-o ProxyCommand=\"ssh -W %h:%p -q ops@b\"", "ProxyCommand ssh -W %h:%p -q ops@b"),
            ("-o 'ProxyCommand=nc -x \"a b\" %h %p'", "ProxyCommand nc -x \"a b\" %h %p"),
            (
                "-i '~/.ssh/a key' -l ops -p 22 -4 -C -q",
                "IdentityFile \"~/.ssh/a key\"; User \"ops\"; Port \"22\"; AddressFamily \"inet\"; Compression \"yes\"",
            ),
            ("-C -o ControlMaster=auto -o ControlPersist=60s -o ForwardAgent=yes", "Compression \"yes\""),
            ("-o StrictHostKeyChecking=yes", ""),
            ("-o KexAlgorithms=+diffie-hellman-group1-sha1", "KexAlgorithms \"+diffie-hellman-group1-sha1\""),
        ] {
            assert_eq!(written(text).as_deref(), Ok(wanted), "{text}");
        }
        for bad in [
            "bastion",
            "-",
            "-o",
            "-o Port",
            "-o Port=",
            "-J",
            "-J -oProxyCommand=x",
            "-J 'a b'",
            "-F /etc/x",
            "-L 80:a:80",
            "-Cv",
            "-W h:p",
            "-o LocalCommand=x",
            "-o PermitLocalCommand=yes",
            "-o Include=/x",
            "-o Match=all",
            "-o Host=x",
            "-o StrictHostKeyChecking=no",
            "-o StrictHostKeyChecking=accept-new",
            "-o UserKnownHostsFile=/dev/null",
            "-o IdentityFile=/%d/x",
            "-o 'User=a\"b'",
            "-o \"ProxyCommand=a\nPermitLocalCommand yes\"",
            "-o 'ProxyCommand=a",
        ] {
            assert!(lines(bad).is_err(), "{bad}");
        }
    }
}
