//! The server: one socket, connections found by their connection IDs, files sent as the windows open.

use crate::{DATAGRAM_MAX, config, flush, log_keys, provide_ids, random, receive};
use endpoint::{Endpoint, Outcome};
use quiche::h3::{self, NameValue};
use quiche::{Config, Connection, ConnectionId, Header, RecvInfo};
use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// What is left of an answer.
struct Answer {
    body: Vec<u8>,
    sent: usize,
    has_headers: bool,
}

struct Client {
    connection: Connection,
    http: Option<h3::Connection>,
    lines: HashMap<u64, Vec<u8>>,
    answers: HashMap<u64, Answer>,
}

struct Server<'a> {
    endpoint: &'a Endpoint,
    config: Config,
    socket: UdpSocket,
    local: SocketAddr,
    clients: HashMap<usize, Client>,
    by_id: HashMap<Vec<u8>, usize>,
    count: usize,
}

impl Client {
    fn begin(&mut self, endpoint: &Endpoint, id: u64, path: Option<&str>) {
        let body = path.map(|path| endpoint.load(path));
        if let Some(Ok(body)) = body {
            self.answers.insert(id, Answer { body, sent: 0, has_headers: false });
        } else {
            let _ = self.connection.stream_shutdown(id, quiche::Shutdown::Write, 1);
        }
    }

    fn read_hq(&mut self, endpoint: &Endpoint) {
        let mut buffer = [0; 4096];
        for id in self.connection.readable() {
            while let Ok((length, is_last)) = self.connection.stream_recv(id, &mut buffer) {
                self.lines.entry(id).or_default().extend_from_slice(&buffer[..length]);
                if is_last {
                    let line = self.lines.remove(&id).unwrap_or_default();
                    self.begin(endpoint, id, endpoint::requested_path(&line));
                }
            }
        }
    }

    fn read_http(&mut self, endpoint: &Endpoint) -> Outcome<()> {
        if self.http.is_none() && (self.connection.is_established() || self.connection.is_in_early_data()) {
            self.http = Some(h3::Connection::with_transport(&mut self.connection, &h3::Config::new()?)?);
        }
        while let Some(http) = &mut self.http
            && let Ok((id, event)) = http.poll(&mut self.connection)
        {
            if let h3::Event::Headers { list, .. } = event {
                let path = list.iter().find(|one| one.name() == b":path").map(|one| one.value().to_vec());
                self.begin(endpoint, id, path.as_deref().and_then(|path| std::str::from_utf8(path).ok()));
            }
        }
        Ok(())
    }

    /// How many bytes the stream took; an error ends the answer.
    fn send(connection: &mut Connection, http: Option<&mut h3::Connection>, id: u64, answer: &mut Answer) -> Result<(), ()> {
        let Some(http) = http else {
            match connection.stream_send(id, &answer.body[answer.sent..], true) {
                Ok(length) => answer.sent += length,
                Err(quiche::Error::Done) => {}
                Err(_) => return Err(()),
            }
            return Ok(());
        };
        if !answer.has_headers {
            match http.send_response(connection, id, &[h3::Header::new(b":status", b"200")], false) {
                Ok(()) => answer.has_headers = true,
                Err(h3::Error::StreamBlocked) => return Ok(()),
                Err(_) => return Err(()),
            }
        }
        match http.send_body(connection, id, &answer.body[answer.sent..], true) {
            Ok(length) => answer.sent += length,
            Err(h3::Error::Done) => {}
            Err(_) => return Err(()),
        }
        Ok(())
    }

    fn write(&mut self) {
        self.answers.retain(|&id, answer| {
            let is_good = Client::send(&mut self.connection, self.http.as_mut(), id, answer).is_ok();
            is_good && answer.sent < answer.body.len()
        });
    }

    fn step(&mut self, endpoint: &Endpoint) -> Outcome<()> {
        if endpoint.is("http3") {
            self.read_http(endpoint)?;
        } else {
            self.read_hq(endpoint);
        }
        self.write();
        Ok(())
    }
}

/// A Retry token: the first connection ID behind the client's address. Nobody forges it here.
fn make_token(from: SocketAddr, id: &ConnectionId) -> Vec<u8> {
    [from.to_string().as_bytes(), b"|", id].concat()
}

fn read_token(from: SocketAddr, token: &[u8]) -> Option<ConnectionId<'_>> {
    token.strip_prefix(from.to_string().as_bytes())?.strip_prefix(b"|").map(ConnectionId::from_ref)
}

impl Server<'_> {
    fn accept(&mut self, header: &Header, from: SocketAddr) -> Outcome<Option<usize>> {
        let mut out = [0; DATAGRAM_MAX];
        if header.ty != quiche::Type::Initial {
            return Ok(None);
        }
        if !quiche::version_is_supported(header.version) {
            let length = quiche::negotiate_version(&header.scid, &header.dcid, &mut out)?;
            self.socket.send_to(&out[..length], from)?;
            return Ok(None);
        }
        let token = header.token.clone().unwrap_or_default();
        let fresh = ConnectionId::from_vec(random::<16>().to_vec());
        if self.endpoint.is("retry") && token.is_empty() {
            let token = make_token(from, &header.dcid);
            let length = quiche::retry(&header.scid, &header.dcid, &fresh, &token, header.version, &mut out)?;
            self.socket.send_to(&out[..length], from)?;
            return Ok(None);
        }
        // After a Retry the client's destination is the ID that the Retry gave it.
        let original = if self.endpoint.is("retry") { read_token(from, &token) } else { None };
        let id = if original.is_some() { header.dcid.clone() } else { fresh };
        let mut connection = quiche::accept(&id, original.as_ref(), self.local, from, &mut self.config)?;
        log_keys(&mut connection)?;
        let number = self.count;
        self.count += 1;
        self.by_id.insert(id.to_vec(), number);
        self.by_id.insert(header.dcid.to_vec(), number);
        self.clients.insert(number, Client { connection, http: None, lines: HashMap::new(), answers: HashMap::new() });
        Ok(Some(number))
    }

    fn on_datagram(&mut self, data: &mut [u8], from: SocketAddr) -> Outcome<()> {
        let Ok(header) = Header::from_slice(data, 16) else { return Ok(()) };
        // quiche ends a connection whose first packet is damaged: the next one begins it again.
        let found = match self.by_id.get(header.dcid.as_ref()) {
            Some(&number) if self.clients.contains_key(&number) => Some(number),
            _ => self.accept(&header, from)?,
        };
        if let Some(client) = found.and_then(|number| self.clients.get_mut(&number)) {
            // What cannot be read is dropped.
            let _ = client.connection.recv(data, RecvInfo { from, to: self.local });
        }
        Ok(())
    }

    fn step(&mut self) -> Outcome<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        let due = self.clients.values().filter_map(|client| client.connection.timeout()).min();
        let mut timeout = due.map(|time| time.max(Duration::from_millis(1)));
        while let Some((length, from)) = receive(&self.socket, &mut buffer, timeout)? {
            self.on_datagram(&mut buffer[..length], from)?;
            timeout = Some(Duration::ZERO);
        }
        for (&number, client) in &mut self.clients {
            if client.connection.timeout().is_some_and(|time| time.is_zero()) {
                client.connection.on_timeout();
            }
            client.step(self.endpoint)?;
            for id in provide_ids(&mut client.connection) {
                self.by_id.insert(id.to_vec(), number);
            }
            flush(&self.socket, &mut client.connection)?;
        }
        self.clients.retain(|_, client| !client.connection.is_closed());
        Ok(())
    }
}

pub fn run(endpoint: &Endpoint) -> Outcome<()> {
    let mut config = config(endpoint)?;
    config.load_cert_chain_from_pem_file(endpoint.cert().to_str().ok_or("a path that is not UTF-8")?)?;
    config.load_priv_key_from_pem_file(endpoint.key().to_str().ok_or("a path that is not UTF-8")?)?;
    let socket = UdpSocket::bind(endpoint.listen)?;
    let local = socket.local_addr()?;
    endpoint::announce(local);
    let (clients, by_id) = (HashMap::new(), HashMap::new());
    let mut server = Server { endpoint, config, socket, local, clients, by_id, count: 0 };
    loop {
        server.step()?;
    }
}
