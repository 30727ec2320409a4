//! What the endpoints for the interop runner have in common: its environment, the options of `leat interop`, files, and how
//! requests are spread over connections.

#[cfg(feature = "rustls")]
pub mod tls;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// The runner counts it as unsupported, not as failed.
const UNSUPPORTED: i32 = 127;
/// As the runner starts endpoints; its other cases differ only in the network.
const CASES: &[&str] = &[
    "handshake", "transfer", "multiconnect", "chacha20", "retry", "resumption", "zerortt", "http3", "keyupdate", "ecn", "v2",
    "connectionmigration",
];

#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    Client,
    Server,
}
pub const BOTH: &[Role] = &[Role::Client, Role::Server];

/// A case that a library cannot do, with the words of its documentation or source that say so.
pub struct Refusal {
    pub case: &'static str,
    pub roles: &'static [Role],
    pub reason: &'static str,
}

pub struct Request {
    pub address: SocketAddr,
    /// Name or address, for TLS.
    pub host: String,
    /// Host and port.
    pub authority: String,
    /// With the slash at its start.
    pub path: String,
}

pub struct Endpoint {
    pub role: Role,
    pub case: String,
    pub www: PathBuf,
    pub downloads: PathBuf,
    pub certs: PathBuf,
    pub listen: SocketAddr,
    pub requests: Vec<Request>,
}

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Endpoint {
    /// From the arguments and the environment; does not return where the case is not supported.
    pub fn new(refusals: &[Refusal]) -> Outcome<Endpoint> {
        let mut words = env::args().skip(1);
        let role = match words.next().as_deref() {
            Some("client") => Role::Client,
            Some("server") => Role::Server,
            _ => return Err("wants one of the roles client and server".into()),
        };
        let case = env::var("TESTCASE").unwrap_or_default();
        refuse(&case, role, refusals);
        let mut made = Endpoint {
            role,
            case,
            www: "/www".into(),
            downloads: "/downloads".into(),
            certs: "/certs".into(),
            listen: "[::]:443".parse()?,
            requests: Vec::new(),
        };
        while let Some(option) = words.next() {
            let value = words.next().ok_or("an option without its value")?;
            match option.as_str() {
                "--www" => made.www = value.into(),
                "--downloads" => made.downloads = value.into(),
                "--certs" => made.certs = value.into(),
                "--listen" => made.listen = value.parse()?,
                _ => return Err(format!("no option {option}").into()),
            }
        }
        if role == Role::Client {
            made.requests = env::var("REQUESTS")?.split_whitespace().map(Request::parse).collect::<Outcome<_>>()?;
        }
        Ok(made)
    }

    pub fn is(&self, case: &str) -> bool {
        self.case == case
    }

    /// The application protocol of the case.
    pub fn protocol(&self) -> &'static str {
        if self.is("http3") { "h3" } else { "hq-interop" }
    }

    /// The requests of each connection.
    pub fn connections(&self) -> Vec<&[Request]> {
        match self.case.as_str() {
            "multiconnect" => self.requests.chunks(1).collect(),
            "resumption" | "zerortt" => {
                let (first, others) = self.requests.split_at(1);
                vec![first, others]
            }
            _ => vec![&self.requests[..]],
        }
    }

    pub fn save(&self, path: &str, body: &[u8]) -> io::Result<()> {
        fs::write(self.downloads.join(file_name(path)), body)
    }

    pub fn load(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.www.join(file_name(path)))
    }

    pub fn cert(&self) -> PathBuf {
        self.certs.join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.certs.join("priv.key")
    }
}

fn refuse(case: &str, role: Role, refusals: &[Refusal]) {
    if !CASES.contains(&case) {
        eprintln!("no test case '{case}' here");
        process::exit(UNSUPPORTED);
    }
    // The runner starts clients of some cases as "transfer": CASE, of our own matrix, has the case's name.
    let named = env::var("CASE").unwrap_or_default();
    let is_meant = |row: &&Refusal| (row.case == case || row.case == named) && row.roles.contains(&role);
    if let Some(row) = refusals.iter().find(is_meant) {
        eprintln!("{}", row.reason);
        process::exit(UNSUPPORTED);
    }
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// The path of "GET /path\r\n".
pub fn requested_path(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split_whitespace().next()
}

pub fn announce(address: SocketAddr) {
    println!("listening: {address}");
}

impl Request {
    fn parse(url: &str) -> Outcome<Request> {
        let rest = url.strip_prefix("https://").ok_or("not an https URL")?;
        let (authority, path) = rest.split_at(rest.find('/').ok_or("a URL without a path")?);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse()?),
            _ => (authority, 443),
        };
        let host = host.trim_matches(['[', ']']);
        let address = (host, port).to_socket_addrs()?.next().ok_or("a host without an address")?;
        Ok(Request { address, host: host.into(), authority: authority.into(), path: path.into() })
    }

    /// The request of HTTP/0.9.
    pub fn line(&self) -> String {
        format!("GET {}\r\n", self.path)
    }
}
