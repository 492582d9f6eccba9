//! Which proxy leads to a server, as kubectl finds it: the one of its configuration; else the environment's, unless
//! `NO_PROXY` names the server or it is this machine itself. Names are compared by the rules of Go
//! (`golang.org/x/net/http/httpproxy`).
//!
//! What goes through a proxy goes through a tunnel (`CONNECT`, or SOCKS 5): it sees the server's name and nothing else.

use http::Uri;
use std::fmt;
use std::net::IpAddr;

/// A proxy that leads to a server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Where it is, with the password for it.
    pub(super) url: Uri,
    /// Who named it.
    from: &'static str,
}

/// Without what is secret in it.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.url.scheme_str().unwrap_or("http"), self.url.host().unwrap_or_default());
        let port = self.url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{scheme}://{host}{port} (from {})", self.from)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why no proxy can be used that somebody named. It quotes nothing: there may be a password in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum BadProxy {
    /// It is no address.
    #[error("the proxy from {0} is no address, such as http://proxy.demo:3128")]
    Address(&'static str),
    /// It is of another kind.
    #[error("the proxy from {from} is of a kind that is not known: `{scheme}`; http, https and socks5 are")]
    Scheme {
        /// Who named it.
        from: &'static str,
        /// Its kind.
        scheme: String,
    },
    /// Nobody could say the password.
    #[error(
        "the proxy from {0} is a socks5 one with a password, which is not supported; http and https ones may have one"
    )]
    SocksPassword(&'static str),
    /// What was set by whoever calls a CGI program may be anybody's.
    #[error("HTTP_PROXY is not used where REQUEST_METHOD is set: it may be a header of a request")]
    Cgi,
}

/// What an environment says of proxies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Environment {
    http: Option<String>,
    https: Option<String>,
    no_proxy: String,
    is_cgi: bool,
}

impl Environment {
    /// This process's.
    pub(super) fn here() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(read: impl Fn(&str) -> Option<String>) -> Self {
        let any = |names: [&str; 2]| names.into_iter().find_map(|name| read(name).filter(|text| !text.is_empty()));
        Self {
            http: any(["HTTP_PROXY", "http_proxy"]),
            https: any(["HTTPS_PROXY", "https_proxy"]),
            no_proxy: any(["NO_PROXY", "no_proxy"]).unwrap_or_default(),
            is_cgi: read("REQUEST_METHOD").is_some_and(|text| !text.is_empty()),
        }
    }

    /// The proxy that leads to a server; none if it is reached without one. `own`: the one that its configuration names, which
    /// leads to any server.
    pub(super) fn to(&self, server: &Uri, own: Option<&str>) -> Result<Option<Proxy>, BadProxy> {
        if let Some(own) = own.filter(|own| !own.is_empty()) {
            let scheme = own.split_once("://").map_or("", |(scheme, _)| scheme);
            if !["http", "https", "socks5"].contains(&scheme) {
                return Err(BadProxy::Scheme { from: OWN, scheme: scheme.to_owned() });
            }
            let url = address(own).ok_or(BadProxy::Address(OWN))?;
            return known(url, OWN).map(Some);
        }
        let is_plain = server.scheme_str() == Some("http");
        let (text, from) = match is_plain {
            true => (&self.http, "HTTP_PROXY"),
            false => (&self.https, "HTTPS_PROXY"),
        };
        // What is no address is passed over, as kubectl does.
        let Some(url) = text.as_deref().and_then(address) else { return Ok(None) };
        if is_plain && self.is_cgi {
            return Err(BadProxy::Cgi);
        }
        let host = server.host().unwrap_or_default();
        let port = server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        match is_exempt(&self.no_proxy, host, port) {
            true => Ok(None),
            false => known(url, from).map(Some),
        }
    }
}

/// How messages name the configuration's proxy.
const OWN: &str = "proxy-url of the configuration";

/// An address of a proxy; without a kind it is an http one. What follows the port means nothing.
fn address(text: &str) -> Option<Uri> {
    let (scheme, rest) = text.trim().split_once("://").unwrap_or(("http", text.trim()));
    let rest = rest.split(['/', '?', '#']).next().filter(|rest| !rest.is_empty())?;
    let url: Uri = format!("{scheme}://{rest}/").parse().ok()?;
    url.host().is_some_and(|host| !host.is_empty()).then_some(url)
}

/// A proxy of a kind that is spoken here.
fn known(url: Uri, from: &'static str) -> Result<Proxy, BadProxy> {
    let scheme = url.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let has_password = url.authority().is_some_and(|at| at.as_str().contains('@'));
    match scheme.as_str() {
        "http" | "https" => Ok(Proxy { url, from }),
        "socks5" | "socks5h" if has_password => Err(BadProxy::SocksPassword(from)),
        "socks5" | "socks5h" => {
            let (host, port) = (url.host().unwrap_or_default(), url.port_u16().unwrap_or(1080));
            let url = format!("socks5://{host}:{port}/").parse().map_err(|_| BadProxy::Address(from))?;
            Ok(Proxy { url, from })
        }
        _ => Err(BadProxy::Scheme { from, scheme }),
    }
}

/// An IP address as it is in an address of a server, with brackets or without. One of the fourth version that is written as
/// one of the sixth is one of the fourth.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Whether a server is reached without the environment's proxy.
fn is_exempt(no_proxy: &str, host: &str, port: u16) -> bool {
    let address = ip(host);
    if host == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    let host = host.trim().to_lowercase();
    no_proxy.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).any(|part| {
        if part == "*" {
            return true;
        }
        if let Some((net, length)) = network(&part) {
            return address.is_some_and(|ip| is_within(ip, net, length));
        }
        let (name, wanted) = split_port(&part);
        let fits = wanted.is_none_or(|wanted| wanted.is_empty() || wanted == port.to_string());
        // Brackets without a port behind them make no address.
        let named = if wanted.is_none() && name.starts_with('[') { None } else { ip(name) };
        match named {
            Some(named) => fits && address == Some(named),
            // An address has no names above it.
            None if name.is_empty() || address.is_some() => false,
            None => fits && is_of(&host, name),
        }
    })
}

/// Whether a host has a name, or one below it. A leading dot, or `*.`, means only those below.
fn is_of(host: &str, name: &str) -> bool {
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')),
    }
}

/// A name and the port behind it. More than one colon outside of brackets makes no port.
fn split_port(part: &str) -> (&str, Option<&str>) {
    match part.rsplit_once(':') {
        Some((name, port)) if name.starts_with('[') && name.ends_with(']') => (name, Some(port)),
        Some((name, port)) if !name.contains([':', '[', ']']) => (name, Some(port)),
        _ => (part, None),
    }
}

/// A range of addresses, as `10.0.0.0/8`.
fn network(part: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = part.split_once('/')?;
    let (address, length): (IpAddr, u32) = (address.parse().ok()?, length.parse().ok()?);
    match (address, address.to_canonical()) {
        (IpAddr::V4(_), _) => (length <= 32).then_some((address, length)),
        // One of the fourth version, written as one of the sixth.
        (IpAddr::V6(_), short @ IpAddr::V4(_)) if (96..=128).contains(&length) => Some((short, length - 96)),
        (IpAddr::V6(_), _) => (length <= 128).then_some((address, length)),
    }
}

fn is_within(address: IpAddr, net: IpAddr, length: u32) -> bool {
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            (u32::from(address) ^ u32::from(net)) & mask == 0
        }
        (IpAddr::V6(address), IpAddr::V6(net)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            (u128::from(address) ^ u128::from(net)) & mask == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Go's own table (`proxy_test.go` of httpproxy), and more.
    #[test]
    fn names_are_exempt_by_the_rules_of_go() {
        let no_proxy = "foobar.com, .barbaz.net, *.quux.com, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, [2001:db8::52:0:4], ::ffff:10.7.0.0/112, 16.0.5, 2001:DB8:B::/48, *.ports.demo:, 2002:db8:a::45/64, EXACT.demo:6443, :80, ,";
        let table = [
            ("localhost", 443, true),
            ("127.0.0.1", 443, true),
            ("127.0.0.2", 443, true),
            ("[::1]", 443, true),
            ("[::ffff:127.0.0.1]", 443, true),
            ("[::2]", 443, false),
            ("LOCALHOST.demo", 443, false),
            ("192.168.1.1", 443, true),
            ("192.168.1.1", 8443, true),
            ("192.168.1.2", 81, true),
            ("192.168.1.2", 443, false),
            ("192.168.1.3", 80, true),
            ("192.168.1.3", 443, false),
            ("192.168.1.4", 443, false),
            ("10.0.0.2", 443, true),
            ("10.0.0.3", 443, true),
            ("10.0.0.4", 443, false),
            ("[2001:db8::52:0:1]", 443, true),
            ("[2001:db8::52:0:2]", 443, true),
            ("[2001:db8::52:0:2]", 444, false),
            ("[2001:db8::52:0:3]", 443, false),
            ("[2002:db8:a::123]", 443, true),
            ("[fe80::424b:c8be:1643:a1b6]", 443, false),
            ("barbaz.net", 443, false),
            ("www.barbaz.net", 443, true),
            ("foobar.com", 443, true),
            ("www.foobar.com", 443, true),
            ("foofoobar.com", 443, false),
            ("baz.com", 443, false),
            ("localhost.net", 443, false),
            ("local.localhost", 443, false),
            ("barbarbaz.net", 443, false),
            ("quux.com", 443, false),
            ("a.quux.com", 443, true),
            ("exact.demo", 6443, true),
            ("Exact.Demo", 6443, true),
            ("exact.demo", 443, false),
            ("below.exact.demo", 6443, true),
            ("[2001:db8::52:0:4]", 443, false),
            ("10.7.0.1", 443, true),
            ("[::ffff:10.7.0.1]", 443, true),
            ("10.8.0.1", 443, false),
            ("[::ffff:192.168.1.1]", 443, true),
            ("172.16.0.5", 443, false),
            ("api.16.0.5", 443, true),
            ("[2001:db8:b::1]", 443, true),
            ("a.b.quux.com", 443, true),
            ("x.ports.demo", 1, true),
        ];
        for (host, port, exempt) in table {
            assert_eq!(is_exempt(no_proxy, host, port), exempt, "{host}:{port}");
        }
        assert!(is_exempt("a, *", "api.demo", 443) && !is_exempt("", "api.demo", 443));
        assert!(!is_exempt("10.0.0.0/0x, 10.0.0.0/33", "10.0.0.1", 443) && is_exempt("0.0.0.0/0", "9.9.9.9", 443));
    }

    fn around(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_proxy_of_the_configuration_goes_first_and_nothing_is_exempt_from_it() {
        let all = around(&[("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", "*")]);
        let server: Uri = "https://127.0.0.1:6443".parse().expect("an address");
        let found = all.to(&server, Some("http://user:secret@own:2/path")).expect("known").expect("one");
        assert_eq!(found.to_string(), "http://own:2 (from proxy-url of the configuration)");
        assert!(!format!("{found:?}").contains("secret"));
        assert_eq!(all.to(&server, Some("")), Ok(None));
        for (own, words) in [
            ("own:2", "is of a kind that is not known: ``"),
            ("ftp://own", "`ftp`"),
            ("http://", "is no address"),
            ("http://user:secret@:/", "is no address"),
            ("socks5://user:secret@own", "with a password"),
        ] {
            let error = all.to(&server, Some(own)).expect_err(own).to_string();
            assert!(error.contains(words) && !error.contains("secret"), "{own}: {error}");
        }
    }

    #[test]
    fn the_environment_names_a_proxy_in_every_spelling() {
        let server: Uri = "https://api.demo:6443".parse().expect("an address");
        let plain: Uri = "http://api.demo:8080".parse().expect("an address");
        let shown = |env: &Environment, server: &Uri| {
            env.to(server, None).map(|found| found.map(|found| found.url.to_string()))
        };
        let of = |url: &str| Ok(Some(url.to_owned()));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "http://p:1")]), &server), of("http://p:1/"));
        assert_eq!(shown(&around(&[("https_proxy", "p:1")]), &server), of("http://p:1/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", ""), ("https_proxy", "https://p")]), &server), of("https://p/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "http://p:1"), ("https_proxy", "q")]), &server), of("http://p:1/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "socks5://p")]), &server), of("socks5://p:1080/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "socks5h://p:9")]), &server), of("socks5://p:9/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "http://p:1"), ("no_proxy", "demo")]), &server), Ok(None));
        assert_eq!(shown(&around(&[("HTTP_PROXY", "http://p:1")]), &server), Ok(None));
        assert_eq!(shown(&around(&[("HTTP_PROXY", "http://p:1")]), &plain), of("http://p:1/"));
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "http://p:1")]), &plain), Ok(None));
        // What is no address is passed over, what is one of another kind is not.
        assert_eq!(shown(&around(&[("HTTPS_PROXY", "http://[bad")]), &server), Ok(None));
        assert!(shown(&around(&[("HTTPS_PROXY", "ftp://p")]), &server).is_err());
        let cgi = around(&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(shown(&cgi, &plain), Err(BadProxy::Cgi));
    }
}
