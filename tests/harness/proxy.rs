//! A proxy on loopback that opens tunnels: by `CONNECT`, or by SOCKS 5. Whatever it is asked for, it leads to one place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a proxy was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// The host and port.
    pub to: String,
    /// What it was shown as its password, as it stood in the header.
    pub password: Option<String>,
}

/// The proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Tunnel>>>,
}

/// How a proxy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It opens tunnels by `CONNECT`.
    Http,
    /// It wants a password first.
    Locked,
    /// It opens none.
    Closed,
    /// It opens tunnels by SOCKS 5.
    Socks,
}

impl Proxy {
    /// Starts one that leads to this address. It goes on until the process ends.
    pub fn new(kind: Kind, to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, kind, to, &seen));
            }
        });
        Self { address, asked }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The tunnels that it was asked for so far.
    pub fn asked(&self) -> Vec<Tunnel> {
        self.asked.lock().expect("nobody died here").clone()
    }
}

fn serve(stream: TcpStream, kind: Kind, to: SocketAddr, seen: &Mutex<Vec<Tunnel>>) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut input = BufReader::new(stream);
    let tunnel = if kind == Kind::Socks { greeted(&mut input, &mut out)? } else { connected(&mut input)? };
    seen.lock().expect("nobody died here").push(tunnel.clone());
    let answer: &[u8] = match kind {
        Kind::Socks => &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        Kind::Closed => b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        Kind::Locked if tunnel.password.is_none() => {
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
        }
        Kind::Http | Kind::Locked => b"HTTP/1.1 200 Connection established\r\n\r\n",
    };
    out.write_all(answer).ok()?;
    let opens = kind != Kind::Closed && (kind != Kind::Locked || tunnel.password.is_some());
    if !opens {
        return None;
    }
    let far = TcpStream::connect(to).ok()?;
    let mut back = far.try_clone().ok()?;
    let thread = std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut out);
        let _ = out.shutdown(std::net::Shutdown::Both);
    });
    let mut far_in = far;
    let _ = std::io::copy(&mut input, &mut far_in);
    let _ = far_in.shutdown(std::net::Shutdown::Both);
    thread.join().ok()
}

/// Reads a request for a tunnel.
fn connected(input: &mut BufReader<TcpStream>) -> Option<Tunnel> {
    let mut first = String::new();
    input.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let mut tunnel = Tunnel { to: first.trim().to_owned(), password: None };
    let mut words = first.split_whitespace();
    if let (Some("CONNECT"), Some(to)) = (words.next(), words.next()) {
        tunnel.to = to.to_owned();
    }
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|count| *count > 0)?;
        if line.trim().is_empty() {
            return Some(tunnel);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("proxy-authorization")
        {
            tunnel.password = Some(value.trim().to_owned());
        }
    }
}

/// The beginning of SOCKS 5, without a password.
fn greeted(input: &mut impl Read, out: &mut TcpStream) -> Option<Tunnel> {
    let mut head = [0; 2];
    input.read_exact(&mut head).ok()?;
    let mut ways = vec![0; usize::from(head[1])];
    input.read_exact(&mut ways).ok()?;
    out.write_all(&[5, 0]).ok()?;
    let mut request = [0; 4];
    input.read_exact(&mut request).ok()?;
    let host = match request[3] {
        1 => {
            let mut octets = [0; 4];
            input.read_exact(&mut octets).ok()?;
            std::net::Ipv4Addr::from(octets).to_string()
        }
        3 => {
            let mut length = [0; 1];
            input.read_exact(&mut length).ok()?;
            let mut name = vec![0; usize::from(length[0])];
            input.read_exact(&mut name).ok()?;
            String::from_utf8(name).ok()?
        }
        _ => return None,
    };
    let mut port = [0; 2];
    input.read_exact(&mut port).ok()?;
    Some(Tunnel { to: format!("{host}:{}", u16::from_be_bytes(port)), password: None })
}
