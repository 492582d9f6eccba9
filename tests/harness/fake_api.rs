//! An API server on loopback that answers as a test says: the shapes of old versions, refusals, cut connections.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Where it is asked what somebody may do.
const REVIEWS: &str = "/selfsubjectaccessreviews";

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// GET, POST, PATCH, PUT or DELETE.
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The body; null if there was none.
    pub body: Value,
}

impl Asked {
    /// Whether it would change something. What somebody may do is asked by a POST too, and changes nothing.
    pub fn writes(&self) -> bool {
        self.method != "GET" && !self.path.ends_with(REVIEWS)
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It answers.
    Says(u16, Value),
    /// It answers with one more header.
    With(u16, (&'static str, String), Value),
    /// It ends the connection without an answer.
    Cut,
    /// It never answers.
    Hang,
    /// It becomes a stream, as for a command in a pod: what is sent on each channel, and then it ends.
    Stream(Vec<(u8, Vec<u8>)>),
}

type Answers = Arc<Mutex<dyn FnMut(&Asked) -> Reply + Send>>;

/// The server.
#[derive(Debug)]
pub struct FakeApi {
    dir: TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeApi {
    /// Starts one. It goes on until the process ends.
    pub fn new(answers: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let dir = tempfile::Builder::new().prefix("palinode-api-").tempdir().expect("a folder");
        std::fs::write(dir.path().join("kubeconfig"), crate::cluster::kubeconfig(&server, "token")).expect("a file");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers): (_, Answers) = (Arc::clone(&asked), Arc::new(Mutex::new(answers)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream, &seen, &answers));
            }
        });
        Self { dir, asked }
    }

    /// The file by which it is reached.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// All that was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody died here").clone()
    }

    /// What was asked so far that would change something.
    pub fn writes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(Asked::writes).collect()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, answers: &Answers) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if input.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let (mut length, mut key) = (0, None);
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("sec-websocket-key")
            {
                key = Some(value.trim().to_owned());
            }
        }
        let mut body = vec![0; length];
        if input.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = first.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
        let asked = Asked { method, path, body: serde_json::from_slice(&body).unwrap_or_default() };
        seen.lock().expect("nobody died here").push(asked.clone());
        // Whoever asks may do all.
        let reply = match asked.path.ends_with(REVIEWS) {
            true => Reply::Says(201, serde_json::json!({ "status": { "allowed": true } })),
            false => (*answers.lock().expect("nobody died here"))(&asked),
        };
        let (code, header, value) = match reply {
            Reply::Says(code, value) => (code, String::new(), value),
            Reply::With(code, (name, text), value) => (code, format!("{name}: {text}\r\n"), value),
            Reply::Cut => return,
            Reply::Stream(frames) => return stream_of(out, &key.unwrap_or_default(), frames),
            Reply::Hang => {
                std::thread::sleep(Duration::from_secs(600));
                return;
            }
        };
        let body = value.to_string();
        let head = format!(
            "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{header}\r\n",
            body.len()
        );
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

/// Speaks the protocol that old servers speak on such a stream.
fn stream_of(mut out: TcpStream, key: &str, frames: Vec<(u8, Vec<u8>)>) {
    use tungstenite::protocol::{Role, WebSocket};
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
    );
    if out.write_all(head.as_bytes()).is_err() {
        return;
    }
    let mut socket = WebSocket::from_raw_socket(out, Role::Server, None);
    for (channel, mut bytes) in frames {
        bytes.insert(0, channel);
        if socket.send(tungstenite::Message::binary(bytes)).is_err() {
            return;
        }
    }
    let _ = socket.close(None);
    let _ = socket.flush();
}
